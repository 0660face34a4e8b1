/**
 * The completions that a shell offers for the value of an option or for an operand: files, schemes and hosts of
 * proxies, hosts of targets, a SPEC that contains such a host, names of what runs in the background, such a name or a
 * host, or a list of words.
 */
export type Completes = 'file' | 'proxy' | 'host' | 'spec' | 'instance' | 'instance or host' | readonly string[];

/** One option, as data. The parser, the help and the completions are made from it. */
export interface OptionSpec {
  /** The name without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** The placeholder for its value in the help; absent for a switch. */
  readonly value?: string;
  /** The value that it takes if none of the words in `completes` follows. If absent, the option requires a value. */
  readonly bare?: string;
  /** `list`: may be repeated and keeps all values; `count`: counts how often it is given. */
  readonly repeat?: 'list' | 'count';
  readonly summary: string;
  /** The default value as a user would write it, if there is one. */
  readonly fallback?: string;
  readonly completes?: Completes;
}

/** The occurrences of one option on a command line. */
export interface Given {
  /** How often it is given. */
  readonly times: number;
  /** Its values, in order; empty for a switch. */
  readonly values: readonly string[];
}

/** An option that parses its own occurrences: `Arguments.get` returns a T for it. */
export interface Option<T> extends OptionSpec {
  /** @throws {TunlError} usage */
  readonly read: (given: Given) => T;
}

/** Parses one value of an option. The second argument is the option's name as a user writes it. @throws {TunlError} usage */
type Parse<T> = (text: string, option: string) => T;

type SwitchData = Pick<OptionSpec, 'short' | 'summary'>;
type ValueData = Pick<OptionSpec, 'short' | 'bare' | 'fallback' | 'summary' | 'completes'> & { readonly value: string };

/** Parses a value that stays the text that it is. */
export const asText: Parse<string> = (text) => text;

/** Makes a switch. */
export function flag(name: string, { short, summary }: SwitchData): Option<boolean> {
  return { name, ...(short !== undefined && { short }), summary, read: ({ times }) => times > 0 };
}

/** Makes a switch that counts how often it is given. */
export function counter(name: string, data: SwitchData): Option<number> {
  return { name, ...data, repeat: 'count', read: ({ times }) => times };
}

/** Makes an option with a value. The last value given counts, as in curl; without one, the fallback does, if there is one. */
export function option<T>(name: string, parse: Parse<T>, data: ValueData & { readonly fallback: string }): Option<T>;
export function option<T>(name: string, parse: Parse<T>, data: ValueData): Option<T | undefined>;
export function option<T>(name: string, parse: Parse<T>, data: ValueData): Option<T | undefined> {
  const read = ({ values }: Given) => {
    const text = values.at(-1) ?? data.fallback;
    return text === undefined ? undefined : parse(text, `--${name}`);
  };
  return { name, ...data, read };
}

/** Makes an option that can be repeated and keeps all of its values. */
export function list<T>(name: string, parse: Parse<T>, data: ValueData): Option<readonly T[]> {
  return { name, ...data, repeat: 'list', read: ({ values }) => values.map((text) => parse(text, `--${name}`)) };
}
