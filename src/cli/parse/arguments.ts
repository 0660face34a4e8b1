import { usageError } from '../../core/errors.ts';
import type { Given, Option, OptionSpec } from './option.ts';

/** The arguments of one command line, sorted but not yet interpreted. Every value is a string. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;
  /** The words that are no options, without the command's name: after `--` all are operands, or they are a command to run. */
  readonly operands: readonly string[];
  /** The command to run, the words after `--`; absent if there is no `--`, or the words are operands. */
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

  /** Returns the parsed value of an option. @throws {TunlError} usage */
  get<T>({ name, read }: Option<T>): T {
    return read(this.#find(name));
  }

  /** Returns true if the option is on the command line, whatever its value. */
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
