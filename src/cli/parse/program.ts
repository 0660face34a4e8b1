import { Parser } from 'yargs/helpers';
import { type TunlError, usageError } from '../../core/errors.ts';
import { Arguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import type { OptionSpec } from './option.ts';
import type * as Explained from './unknown.ts';
import { hasControl, quoteSafely } from '../../syntax/text.ts';

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

/** The module that explains unknown words. */
type Unknown = typeof Explained;

/** A command or an option that there is not. What was meant is told by a table that nothing else needs. */
export class UnknownWord extends Error {
  readonly #explain: (words: Unknown) => TunlError;

  constructor(explain: (words: Unknown) => TunlError) {
    super('an unknown word');
    this.#explain = explain;
  }

  /** Makes the error that says so to the user, a usage error. */
  async explain(): Promise<TunlError> {
    return this.#explain(await import('./unknown.ts'));
  }
}

/**
 * Finds the name of the command: it is the first word, but options may precede it, as in git.
 * @throws {TunlError} usage
 * @throws {UnknownWord}
 */
export function findCommand(words: readonly string[], names: readonly string[]): string {
  const own = splitOwn(words);
  for (const word of own) {
    if (hasControl(word)) throw usageError(`an argument holds a control character: ${quoteSafely(word)}`);
  }
  const name = own[0]?.startsWith('-') === true ? own.find((word) => names.includes(word)) : own[0];
  if (name === undefined || !names.includes(name)) {
    throw new UnknownWord(({ unknownCommand }) => unknownCommand(own, names));
  }
  return name;
}

/**
 * Parses the arguments of a command that `findCommand` found. The parser of yargs separates options from operands and
 * leaves every value a string; the commands interpret the values. The rest of yargs is not used, because loading it would
 * take a fifth of the start-up time of `connect`, and ssh waits for that.
 * @throws {TunlError} usage
 * @throws {UnknownWord}
 */
export function parseArguments(words: readonly string[], command: CommandSpec): Arguments {
  const own = splitOwn(words);
  const rest = own.length < words.length ? words.slice(own.length + 1) : undefined;
  const options = listOptions(command);
  const { _: found, ...values } = Parser(prepareWords(own.toSpliced(own.indexOf(command.name), 1), command), {
    configuration,
    alias: Object.fromEntries(options.flatMap(({ name, short }) => (short === undefined ? [] : [[name, short]]))),
    boolean: options.filter(({ value, repeat }) => value === undefined && repeat === undefined).map(({ name }) => name),
    count: options.filter(({ repeat }) => repeat === 'count').map(({ name }) => name),
    string: options.filter(({ value }) => value !== undefined).map(({ name }) => name),
  });
  refuseUnknown(values, command, options);
  const operands = found.map(String);
  return command.takesCommand === true
    ? new Arguments(values, operands, rest, options)
    : new Arguments(values, operands.concat(rest ?? []), undefined, options);
}

/** Returns the words before `--`, which are ours. */
function splitOwn(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return end < 0 ? words : words.slice(0, end);
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

/** @throws {UnknownWord} */
function refuseUnknown(values: object, { name: command }: CommandSpec, options: readonly OptionSpec[]): void {
  const known = new Set(options.flatMap(({ name, short }) => [name, short]));
  const unknown = Object.keys(values).find((key) => !known.has(key));
  if (unknown !== undefined) throw new UnknownWord(({ unknownOption }) => unknownOption(unknown, command, options));
}
