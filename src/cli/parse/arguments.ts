import { usageError } from '../../core/errors.ts';
import type { Given, Option, OptionSpec } from './option.ts';

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
      if (value !== undefined && this.#find(name).values.includes(''))
        throw usageError(`--${name} needs a value: ${value}`);
    }
  }

  /** What an option means here. @throws {TunlError} usage */
  get<T>({ name, read }: Option<T>): T {
    return read(this.#find(name));
  }

  /** True where an option stands on the command line, whatever it means. */
  isGiven({ name }: OptionSpec): boolean {
    return this.#find(name).times > 0;
  }

  #find(name: string): Given {
    const value = this.#values[name];
    if (typeof value === 'boolean' || typeof value === 'number') return { times: Number(value), values: [] };
    const values = (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
    return { times: values.length, values };
  }
}
