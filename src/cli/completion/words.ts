import type { CommandSpec } from '../command.ts';
import type { Completes, OptionSpec } from '../option.ts';
import { listOptions } from '../program.ts';

/** What a shell has to know about one command. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly completes: Completes | undefined;
  readonly takesCommand: boolean;
}

/** Everything that a shell can complete. */
export interface Words {
  readonly commands: readonly CommandWords[];
  /** Beginnings of the URL of a proxy. */
  readonly schemes: readonly { readonly scheme: string; readonly summary: string }[];
}

/** Gathers the words from the commands and from the registry of carriers. */
export function listWords(
  commands: readonly CommandSpec[],
  schemes: readonly { readonly scheme: string; readonly summary: string }[],
): Words {
  const topics = [...commands.map(({ name }) => name), 'exit-codes'];
  return {
    commands: commands.map((command) => ({
      name: command.name,
      summary: command.summary,
      options: listOptions(command),
      completes: command.name === 'help' ? topics : command.completes,
      takesCommand: command.takesCommand === true,
    })),
    schemes: [
      ...schemes.map(({ scheme, summary }) => ({ scheme: `${scheme}://`, summary })),
      { scheme: 'unix:', summary: 'a proxy on a Unix socket, over HTTP/1.1' },
    ],
  };
}

/** The spellings of an option: `-x`, `--proxy`. */
export function spell({ name, short }: OptionSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

/** A text as one word of a POSIX shell. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
