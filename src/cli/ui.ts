// The rules of the terminal. stdout carries data, stderr carries talk. What is said starts with
// `tunl: `, in lower case, with no full stop; an error is one line, then `tunl: hint: ` lines.
// Colour only where the stream that is written to is a terminal and NO_COLOR is unset. With --json,
// stderr holds JSON and nothing else. A spinner only on a terminal, and never in `connect`.
import type { Io } from './io.ts';
import { toPrintable } from './text.ts';

/** How much is said, from nothing but errors to everything. */
export type Verbosity = 'quiet' | 'normal' | 'verbose' | 'debug';

/** How much a message matters; each verbosity shows the levels before it too. */
export type Level = 'error' | 'normal' | 'verbose' | 'debug';

/** How the program talks. */
export interface Voice {
  readonly verbosity: Verbosity;
  readonly form: 'text' | 'json';
}

const shown: Record<Verbosity, readonly Level[]> = {
  quiet: ['error'],
  normal: ['error', 'normal'],
  verbose: ['error', 'normal', 'verbose'],
  debug: ['error', 'normal', 'verbose', 'debug'],
};

/** How long the end waits for a reader of stderr. */
const maxFlushMs = 1000;

/** Something that moves on the last line of the terminal. */
export interface Spinner {
  clear(): unknown;
}

type Paint = (text: string) => string;
const unpainted: Paint = (text) => text;

/** The only writer to stdout and stderr. It never throws: a closed stderr silences it. */
export class Ui {
  readonly #io: Io;
  readonly voice: Voice;
  #paintError: Paint = unpainted;
  #paintHint: Paint = unpainted;
  #printed: Promise<'written' | 'closed'> = Promise.resolve('written');
  #spinner: Spinner | undefined;

  constructor(io: Io, voice: Voice) {
    this.#io = io;
    this.voice = voice;
    io.stderr.on('error', () => {});
  }

  /** Prepares colours, where they are wanted. */
  async prepare(): Promise<this> {
    if (this.onTerminal && !this.#io.env['NO_COLOR'] && this.#io.env['TERM'] !== 'dumb') {
      const { Chalk } = await import('chalk');
      const chalk = new Chalk({ level: 1 });
      this.#paintError = chalk.red;
      this.#paintHint = chalk.cyan;
    }
    return this;
  }

  /** True when people read along: text on a terminal. */
  get onTerminal(): boolean {
    return this.voice.form === 'text' && this.#io.stderr.isTTY === true;
  }

  shows(level: Level): boolean {
    return shown[this.voice.verbosity].includes(level);
  }

  /** Takes the spinner off its line before anything else is written; undefined: there is none. */
  setSpinner(spinner: Spinner | undefined): void {
    this.#spinner = spinner;
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

  /** Says one line, unless --json was asked for. */
  say(level: Level, message: string): void {
    const line = `tunl: ${toPrintable(message)}`;
    this.show(level, level === 'error' ? this.#paintError(line) : line);
  }

  /** Says what can be done, or what the proxy said, below an error. */
  hint(message: string): void {
    this.show('error', `${this.#paintHint('tunl: hint:')} ${toPrintable(message)}`);
  }

  /** Writes lines that are laid out already, such as a table. */
  show(level: Level, text: string): void {
    if (this.voice.form === 'text' && this.shows(level)) this.#write(text);
  }

  /** Writes one event as a line of JSON, when --json was asked for. */
  record(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.voice.form === 'text' || !this.shows(level)) return;
    this.#write(JSON.stringify({ event, time: new Date().toISOString(), version: 1, ...fields }));
  }

  /** Resolves once what was written is out; with `closed` when nobody reads stdout any more. */
  async flush(): Promise<'written' | 'closed'> {
    const { stderr } = this.#io;
    if (stderr.writableLength > 0)
      await new Promise<void>((resolve) => {
        // Whoever stopped reading our messages does not keep us from ending.
        setTimeout(resolve, maxFlushMs).unref();
        stderr.write('', () => resolve());
      });
    return this.#printed;
  }

  #write(lines: string): void {
    this.#spinner?.clear();
    this.#io.stderr.write(`${lines}\n`);
  }
}
