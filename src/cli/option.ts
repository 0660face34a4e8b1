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
