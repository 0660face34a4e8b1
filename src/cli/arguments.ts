import { usageError } from '../core/errors.ts';
import type { OptionSpec } from './option.ts';

/** The words of one command line, sorted but not yet understood. Every value is a string. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;
  /** What is neither an option nor after `--`, without the command's name. */
  readonly operands: readonly string[];
  /** What follows `--`; absent without one. */
  readonly rest: readonly string[] | undefined;

  constructor(
    values: Readonly<Record<string, unknown>>,
    operands: readonly string[],
    rest: readonly string[] | undefined,
    options: readonly OptionSpec[],
  ) {
    this.#values = values;
    this.operands = operands;
    this.rest = rest;
    for (const { name, value } of options) {
      if (value !== undefined && this.list(name).includes('')) throw usageError(`--${name} needs a value: ${value}`);
    }
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  count(name: string): number {
    return Number(this.#values[name] ?? 0);
  }

  /** The value of an option; of several the last one counts, as in curl. */
  text(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  list(name: string): readonly string[] {
    const value = this.#values[name];
    return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
  }
}
