import type { CommandSpec } from '../../parse/command.ts';
import type { Completes, OptionSpec } from '../../parse/option.ts';
import { listOptions } from '../../parse/program.ts';

/** The forms of a chooser, which no carrier declares. */
const chooserForms: readonly { readonly form: string; readonly summary: string }[] = [
  { form: 'pac+http://', summary: 'the proxies that a PAC file names for each target, read over HTTP' },
  { form: 'pac+https://', summary: 'the same over HTTPS' },
  { form: 'pac+file://', summary: 'the same from a file of this machine: pac+file:///etc/proxy.pac' },
  { form: 'system', summary: 'the proxies of the settings of the desktop or the operating system' },
];

/** Facts about one command that a shell needs for completion. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly completes: Completes | undefined;
  readonly takesCommand: boolean;
}

/** Everything that a shell can complete. */
export interface CompletionWords {
  readonly commands: readonly CommandWords[];
  /** Prefixes of the URL of a proxy. */
  readonly schemes: readonly { readonly scheme: string; readonly summary: string }[];
  /** The kinds of fronts that a SPEC may begin with, each with its colon. */
  readonly fronts: readonly string[];
}

/** Collects the words of the commands, the schemes of the carriers, the forms of choosers and the kinds of fronts. */
export function listWords(
  commands: readonly CommandSpec[],
  schemes: readonly { readonly scheme: string; readonly summary: string }[],
  frontKinds: readonly string[],
): CompletionWords {
  // What help is about beside the commands, it says itself.
  const texts = commands.find(({ name }) => name === 'help')?.completes;
  const topics = [...commands.map(({ name }) => name), ...(typeof texts === 'object' ? texts : [])];
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
      ...chooserForms.map(({ form, summary }) => ({ scheme: form, summary })),
      { scheme: '@', summary: 'a proxy of the configuration' },
      { scheme: 'unix:', summary: 'a proxy on a Unix socket, over HTTP/1.1' },
    ],
    fronts: frontKinds.map((kind) => `${kind}:`),
  };
}

/** Lists the spellings of an option: `-x`, `--proxy`. */
export function spell({ name, short }: OptionSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}
