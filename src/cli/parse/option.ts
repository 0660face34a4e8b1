/**
 * What a shell offers for the value of an option or for an operand: files, schemes and hosts of proxies,
 * a target's host, a SPEC with such a host in it, or these words.
 */
export type Completes = 'file' | 'proxy' | 'host' | 'spec' | readonly string[];

/** One option, as data: the parser, the help and the completions are made from it. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** The word for its value in the help; a switch has none. */
  readonly value?: string;
  /** The value that it has where none of those that it completes to follows; without this it needs one. */
  readonly bare?: string;
  /** `list`: may be given several times and keeps all values; `count`: counts how often it is given. */
  readonly repeat?: 'list' | 'count';
  readonly summary: string;
  /** The default in words, where there is one. */
  readonly fallback?: string;
  readonly completes?: Completes;
}

/** The occurrences of one option on a command line. */
export interface Given {
  /** How often it stands there. */
  readonly times: number;
  /** Its values, in order; a switch has none. */
  readonly values: readonly string[];
}

/** An option that knows what its occurrences mean: `Arguments.get` gives a T for it. */
export interface Option<T> extends OptionSpec {
  /** @throws {TunlError} usage */
  readonly read: (given: Given) => T;
}

/** Reads one value of an option, which is named by its second argument as people write it. @throws {TunlError} usage */
type Parse<T> = (text: string, option: string) => T;

type SwitchData = Pick<OptionSpec, 'short' | 'summary'>;
type ValueData = Pick<OptionSpec, 'short' | 'bare' | 'fallback' | 'summary' | 'completes'> & { readonly value: string };

/** A value that stands for itself. */
export const asText: Parse<string> = (text) => text;

/** Makes an option that is given or not. */
export function flag(name: string, { short, summary }: SwitchData): Option<boolean> {
  return { name, ...(short !== undefined && { short }), summary, read: ({ times }) => times > 0 };
}

/** Makes an option that means the more, the more often it is given. */
export function counter(name: string, data: SwitchData): Option<number> {
  return { name, ...data, repeat: 'count', read: ({ times }) => times };
}

/** Makes an option with a value, of which the last one counts, as in curl; where none is given, its fallback, if it has one. */
export function option<T>(name: string, parse: Parse<T>, data: ValueData & { readonly fallback: string }): Option<T>;
export function option<T>(name: string, parse: Parse<T>, data: ValueData): Option<T | undefined>;
export function option<T>(name: string, parse: Parse<T>, data: ValueData): Option<T | undefined> {
  const read = ({ values }: Given) => {
    const text = values.at(-1) ?? data.fallback;
    return text === undefined ? undefined : parse(text, `--${name}`);
  };
  return { name, ...data, read };
}

/** Makes an option whose values all count. */
export function list<T>(name: string, parse: Parse<T>, data: ValueData): Option<readonly T[]> {
  return { name, ...data, repeat: 'list', read: ({ values }) => values.map((text) => parse(text, `--${name}`)) };
}
