// The rules of the terminal. stdout carries data, stderr carries messages. A message starts with `tunl: ` and is in
// lower case, without a full stop; an error is one line, followed by `tunl: hint: ` lines. There is colour only if the
// stream is a terminal and NO_COLOR is unset. With --json, stderr has JSON only. There is a spinner only on a terminal,
// and never in `connect`.
import type { Io } from './io.ts';
import { toPrintable } from '../../syntax/text.ts';

/** The amount of messages, from errors only to everything. */
export type Verbosity = 'quiet' | 'normal' | 'verbose' | 'debug';

/** The importance of a message; each verbosity shows the more important levels too. */
export type MessageLevel = 'error' | 'normal' | 'verbose' | 'debug';

/** The amount and the form of messages. */
export interface Output {
  readonly verbosity: Verbosity;
  readonly form: 'text' | 'json';
}

const shown: Record<Verbosity, readonly MessageLevel[]> = {
  quiet: ['error'],
  normal: ['error', 'normal'],
  verbose: ['error', 'normal', 'verbose'],
  debug: ['error', 'normal', 'verbose', 'debug'],
};

/** Time for which the end of the program waits for a reader of stderr. */
const maxFlushMs = 1000;

/** Something that is redrawn at the bottom of the terminal: a spinner, a table. */
export interface Moving {
  /** Removes itself, because these lines follow; it may come back below them. True if it keeps them to write them later. */
  clear(lines: string): unknown;
}

type Paint = (text: string) => string;
const unpainted: Paint = (text) => text;

/** The only writer to stdout and stderr. It never throws: a closed stderr silences it. */
export class Ui {
  readonly #io: Io;
  #output: Output;
  #paintError: Paint = unpainted;
  #paintHint: Paint = unpainted;
  #printed: Promise<'written' | 'closed'> = Promise.resolve('written');
  #moving: Moving | undefined;
  /** Lines that are written together at the end of this turn of the event loop, once one was written in it. */
  #waiting = '';
  #isLogging = false;

  constructor(io: Io, output: Output) {
    this.#io = io;
    this.#output = output;
    io.stderr.on('error', () => {});
  }

  get output(): Output {
    return this.#output;
  }

  /** Changes the amount of messages. */
  setVerbosity(verbosity: Verbosity): void {
    this.#output = { ...this.#output, verbosity };
  }

  /** Loads colours, if they are wanted. */
  async prepare(): Promise<this> {
    if (this.coloured) {
      const { Chalk } = await import('chalk');
      const chalk = new Chalk({ level: 1 });
      this.#paintError = chalk.red;
      this.#paintHint = chalk.cyan;
    }
    return this;
  }

  /** True if people read the messages: text on a terminal. */
  get onTerminal(): boolean {
    return this.output.form === 'text' && this.#io.stderr.isTTY === true;
  }

  /** True if colours are wanted. */
  get coloured(): boolean {
    return this.onTerminal && !this.#io.env['NO_COLOR'] && !this.#isDumb;
  }

  /**
   * True if lines can be redrawn and somebody watches them. This is false for a log of CI, and for a terminal without a
   * size.
   */
  get canRedraw(): boolean {
    const { stderr, env } = this.#io;
    return this.onTerminal && this.shows('normal') && !this.#isDumb && !env['CI'] && stderr.columns > 0;
  }

  get #isDumb(): boolean {
    return this.#io.env['TERM'] === 'dumb';
  }

  shows(level: MessageLevel): boolean {
    return shown[this.output.verbosity].includes(level);
  }

  /** Sets the part that must be cleared before other lines are written; undefined if there is none. */
  setMoving(moving: Moving | undefined): void {
    this.#moving = moving;
  }

  /** Writes data to stdout. */
  print(text: string): void {
    const { stdout } = this.#io;
    // Without a listener an EPIPE would end the process with a stack trace.
    stdout.on('error', () => {});
    this.#printed = new Promise((resolve) => {
      stdout.write(text, (error) => resolve(error ? 'closed' : 'written'));
    });
  }

  /** Writes bytes to stdout. Resolves once they are taken; with `closed` if nobody reads them any more. */
  printBytes(bytes: Uint8Array): Promise<'written' | 'closed'> {
    const { stdout } = this.#io;
    if (stdout.listenerCount('error') === 0) stdout.on('error', () => {});
    this.#printed = new Promise((resolve) => {
      stdout.write(bytes, (error) => resolve(error ? 'closed' : 'written'));
    });
    return this.#printed;
  }

  /** Writes one line, except with --json. */
  say(level: MessageLevel, message: string): void {
    const line = `tunl: ${toPrintable(message)}`;
    this.show(level, level === 'error' ? this.#paintError(line) : line);
  }

  /** Writes one line of many: the first of a turn of the event loop at once, those that follow together at its end. */
  log(level: MessageLevel, message: string): void {
    if (this.output.form !== 'text' || !this.shows(level)) return;
    this.#waiting += `tunl: ${toPrintable(message)}\n`;
    if (this.#isLogging) return;
    this.#isLogging = true;
    this.#writeWaiting();
    setImmediate(() => {
      this.#isLogging = false;
      this.#writeWaiting();
    });
  }

  /** Writes a hint, or the words of a proxy, below an error. */
  hint(message: string): void {
    this.show('error', `${this.#paintHint('tunl: hint:')} ${toPrintable(message)}`);
  }

  /** Writes formatted lines, such as a table, except with --json. */
  show(level: MessageLevel, text: string): void {
    if (this.output.form === 'text' && this.shows(level)) this.#write(text);
  }

  /** Writes one event as a line of JSON, with --json only. */
  record(level: MessageLevel, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.output.form === 'text' || !this.shows(level)) return;
    this.#write(JSON.stringify({ event, time: new Date().toISOString(), version: 1, ...fields }));
  }

  /** Writes lines that another tunl has formatted, as its own options ask. */
  pass(lines: string): void {
    this.#write(lines.replace(/\n$/, ''));
  }

  /** Resolves once all output is written; with `closed` if nobody reads stdout any more. */
  async flush(): Promise<'written' | 'closed'> {
    const { stderr } = this.#io;
    this.#writeWaiting();
    if (stderr.writableLength > 0)
      await new Promise<void>((resolve) => {
        // A reader that has stopped must not keep the program from ending.
        setTimeout(resolve, maxFlushMs).unref();
        stderr.write('', () => resolve());
      });
    return this.#printed;
  }

  #write(lines: string): void {
    this.#waiting += `${lines}\n`;
    this.#writeWaiting();
  }

  #writeWaiting(): void {
    if (this.#waiting === '') return;
    if (this.#moving?.clear(this.#waiting) !== true) this.#io.stderr.write(this.#waiting);
    this.#waiting = '';
  }
}
