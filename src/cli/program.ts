import yargs from 'yargs';
import { usageError } from '../core/errors.ts';
import { Arguments } from './arguments.ts';
import type { CommandSpec, OptionSpec } from './command.ts';
import { suggest } from './suggest.ts';
import { hasControl, quote } from './text.ts';

/** A command line, sorted into a command and its words. */
export interface Parsed {
  readonly command: CommandSpec;
  readonly args: Arguments;
}

/**
 * Sorts the words of a command line. yargs tells options from operands and never interprets a
 * value; what the words mean is decided by the commands.
 * @throws {TunlError} usage
 */
export function parseWords(words: readonly string[], commands: readonly CommandSpec[]): Parsed {
  let parsed: Parsed | undefined;
  const parser = yargs()
    .scriptName('tunl')
    .locale('en')
    .exitProcess(false)
    .help(false)
    .version(false)
    .fail((message: string, error: Error | undefined) => {
      throw error ?? usageError(message);
    })
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
    });
  for (const command of commands) {
    const options = listOptions(command);
    parser.command(
      command.name,
      command.summary,
      (builder) => builder.options(Object.fromEntries(options.map(toYargsOption))),
      (values: Record<string, unknown>) => {
        refuseUnknown(values, command, options);
        parsed = { command, args: new Arguments(values, options) };
      },
    );
  }
  parser.command(
    '$0',
    false,
    () => {},
    (values: { readonly _: readonly (string | number)[] }) => {
      throw unknownCommand(values._[0]?.toString(), words, commands);
    },
  );
  parser.parseSync(prepareWords(words, commands));
  if (!parsed) throw usageError('the command line could not be parsed');
  return parsed;
}

/** Every option of a command. */
export function listOptions({ groups }: CommandSpec): readonly OptionSpec[] {
  return groups.flatMap(({ options }) => options);
}

function toYargsOption({ name, short, value, repeat }: OptionSpec) {
  const type = repeat === 'count' ? 'count' : value === undefined ? 'boolean' : 'string';
  return [name, { type, ...(short !== undefined && { alias: short }) }] as const;
}

/** What yargs would read otherwise than ssh and curl, written so that it does not. */
function prepareWords(words: readonly string[], commands: readonly CommandSpec[]): string[] {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const name = own.find((word) => commands.some((command) => command.name === word));
  const options = commands.flatMap((command) => (command.name === name ? listOptions(command) : []));
  const prepared = commandFirst(own, name).flatMap((word) => {
    if (hasControl(word)) throw usageError(`an argument holds a control character: ${quoteSafely(word)}`);
    if (name === 'forward' && word.startsWith('-L')) return word === '-L' ? [] : [word.slice(2)];
    return splitAttached(word, options);
  });
  return [...prepared, ...(end < 0 ? [] : words.slice(end))];
}

/** yargs knows the options of a command only behind its name: `-v connect` would be a -v with a value. */
function commandFirst(words: readonly string[], name: string | undefined): readonly string[] {
  if (name === undefined || words[0]?.startsWith('-') !== true) return words;
  return [name, ...words.toSpliced(words.indexOf(name), 1)];
}

/** `-xURL` as two words, and no value for a switch: yargs would take any but `true` for a no. */
function splitAttached(word: string, options: readonly OptionSpec[]): string[] {
  const [, long] = /^--([^=]+)=/.exec(word) ?? [];
  const option = options.find(
    ({ name, short }) => name === long || (short !== undefined && word.startsWith(`-${short}`)),
  );
  if (long !== undefined && option !== undefined && option.value === undefined)
    throw usageError(`--${long} takes no value`);
  if (long !== undefined || option?.value === undefined || word.length <= 2) return [word];
  return [`--${option.name}=${word.slice(2).replace(/^=/, '')}`];
}

function refuseUnknown(
  values: Record<string, unknown>,
  { name: command }: CommandSpec,
  options: readonly OptionSpec[],
): void {
  const known = new Set(['_', '$0', '--', ...options.flatMap(({ name, short }) => [name, short])]);
  const unknown = Object.keys(values).find((key) => !known.has(key));
  if (unknown === undefined) return;
  const near =
    unknown.length > 1
      ? suggest(
          unknown,
          options.map(({ name }) => name),
        )
      : undefined;
  throw usageError(
    `unknown option ${quote(unknown.length > 1 ? `--${unknown}` : `-${unknown}`)}`,
    ...(near === undefined ? [] : [`did you mean --${near}?`]),
    `tunl ${command} --help lists the options`,
  );
}

function unknownCommand(name: string | undefined, words: readonly string[], commands: readonly CommandSpec[]) {
  const hint = `the commands are ${commands.map((command) => command.name).join(', ')}; see tunl --help`;
  if (name === undefined) {
    const option = words.find((word) => word.startsWith('-'));
    return option === undefined
      ? usageError('a command is missing', hint)
      : usageError(`unknown option ${quote(option)}`, hint);
  }
  const near = suggest(
    name,
    commands.map((command) => command.name),
  );
  return usageError(
    `unknown command ${quoteSafely(name)}`,
    ...(near === undefined ? [] : [`did you mean tunl ${near}?`]),
    hint,
  );
}

/** A word of unknown meaning may be a URL with a password in it. */
function quoteSafely(word: string): string {
  return quote(word.replace(/^([^:/?#@]*:\/\/)?.*@/s, '***@'));
}
