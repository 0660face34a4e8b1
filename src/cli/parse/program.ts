import { Parser } from 'yargs/helpers';
import { usageError } from '../../core/errors.ts';
import { Arguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import type { OptionSpec } from './option.ts';
import { suggest } from '../../syntax/suggest.ts';
import { hasControl, quote } from '../../syntax/text.ts';

/** A command line, split into a command and its arguments. */
export interface Parsed {
  readonly command: CommandSpec;
  readonly args: Arguments;
}

/** Every value stays a string, every option has one spelling, and repeated options are kept. */
const configuration = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
} as const;

/**
 * Parses a command line. The parser of yargs separates options from operands and leaves every value a string; the
 * commands interpret the values. The rest of yargs is not used, because loading it would take a fifth of the start-up
 * time of `connect`, and ssh waits for that.
 * @throws {TunlError} usage
 */
export function parseCommandLine(words: readonly string[], commands: readonly CommandSpec[]): Parsed {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  for (const word of own) {
    if (hasControl(word)) throw usageError(`an argument holds a control character: ${quoteSafely(word)}`);
  }
  const command = findCommand(own, commands);
  const options = listOptions(command);
  const { _: operands, ...values } = Parser(prepareWords(own.toSpliced(own.indexOf(command.name), 1), command), {
    configuration,
    alias: Object.fromEntries(options.flatMap(({ name, short }) => (short === undefined ? [] : [[name, short]]))),
    boolean: options.filter(({ value, repeat }) => value === undefined && repeat === undefined).map(({ name }) => name),
    count: options.filter(({ repeat }) => repeat === 'count').map(({ name }) => name),
    string: options.filter(({ value }) => value !== undefined).map(({ name }) => name),
  });
  refuseUnknown(values, command, options);
  return {
    command,
    args: new Arguments(values, operands.map(String), end < 0 ? undefined : words.slice(end + 1), options),
  };
}

/** Finds the command: it is the first word, but options may precede it, as in git. */
function findCommand(words: readonly string[], commands: readonly CommandSpec[]): CommandSpec {
  const isName = (word: string) => commands.some(({ name }) => name === word);
  const name = words[0]?.startsWith('-') === true ? words.find(isName) : words[0];
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) throw unknownCommand(name, words, commands);
  return command;
}

/** Lists every option of a command. */
export function listOptions({ groups }: CommandSpec): readonly OptionSpec[] {
  return groups.flatMap(({ options }) => options);
}

/** Rewrites the words that the parser would read differently from ssh and curl. */
function prepareWords(words: readonly string[], command: CommandSpec): string[] {
  const options = listOptions(command);
  return words.flatMap((word, index) => {
    const bare = options.find((option) => option.bare !== undefined && word === `--${option.name}`);
    if (bare && !isChoice(words[index + 1], bare)) return [`${word}=${bare.bare}`];
    if (command.name === 'forward' && word.startsWith('-L')) return word === '-L' ? [] : [word.slice(2)];
    return splitAttached(word, options);
  });
}

function isChoice(word: string | undefined, { completes }: OptionSpec): boolean {
  return word !== undefined && Array.isArray(completes) && completes.includes(word);
}

/** Rewrites `-xURL` as `--proxy=URL`, and rejects a value for a switch: the parser would take any value but `true` for false. */
function splitAttached(word: string, options: readonly OptionSpec[]): string[] {
  const [, long] = /^--([^=]+)=/.exec(word) ?? [];
  const isMeant = ({ name, short }: OptionSpec) =>
    name === long || (short !== undefined && word.startsWith(`-${short}`));
  const option = options.find(isMeant);
  if (long !== undefined && option && option.value === undefined) throw usageError(`--${long} takes no value`);
  if (long !== undefined || option?.value === undefined || word.length <= 2) return [word];
  return [`--${option.name}=${word.slice(2).replace(/^=/, '')}`];
}

function refuseUnknown(values: object, { name: command }: CommandSpec, options: readonly OptionSpec[]): void {
  const known = new Set(options.flatMap(({ name, short }) => [name, short]));
  const unknown = Object.keys(values).find((key) => !known.has(key));
  if (unknown === undefined) return;
  const names = options.map(({ name }) => name);
  const near = unknown.length > 1 ? suggest(unknown, names) : undefined;
  throw usageError(
    `unknown option ${quote(unknown.length > 1 ? `--${unknown}` : `-${unknown}`)}`,
    ...(near === undefined ? [] : [`did you mean --${near}?`]),
    `tunl ${command} --help lists the options`,
  );
}

function unknownCommand(name: string | undefined, words: readonly string[], commands: readonly CommandSpec[]) {
  const names = commands.map((command) => command.name);
  const hint = `the commands are ${names.join(', ')}; see tunl --help`;
  if (name === undefined) {
    const option = words.find((word) => word.startsWith('-'));
    return option === undefined
      ? usageError('a command is missing', hint)
      : usageError(`unknown option ${quote(option)}`, hint);
  }
  const near = suggest(name, names);
  return usageError(
    `unknown command ${quoteSafely(name)}`,
    ...(near === undefined ? [] : [`did you mean tunl ${near}?`]),
    hint,
  );
}

/** Quotes a word without a password: an unknown word may be a URL that contains one. */
function quoteSafely(word: string): string {
  return quote(word.replace(/^([^:/?#@]*:\/\/)?.*@/s, '***@'));
}
