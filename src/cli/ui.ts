// The rules of the terminal. stdout carries data, stderr carries talk. What is said starts with
// `tunl: `, in lower case, with no full stop; an error is one line, then `tunl: hint: ` lines.
// Colour only where the stream that is written to is a terminal and NO_COLOR is unset. With --json,
// stderr holds JSON and nothing else. A spinner only on a terminal, and never in `connect`.
import type { Io } from './io.ts';
import { toPrintable } from '../words/text.ts';

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

/** Something that moves at the end of the terminal: a spinner, a table. */
export interface Moving {
  /** Takes itself away, since other lines follow. It may come back below them. */
  clear(): unknown;
}

type Paint = (text: string) => string;
const unpainted: Paint = (text) => text;

/** The only writer to stdout and stderr. It never throws: a closed stderr silences it. */
export class Ui {
  readonly #io: Io;
  #voice: Voice;
  #paintError: Paint = unpainted;
  #paintHint: Paint = unpainted;
  #printed: Promise<'written' | 'closed'> = Promise.resolve('written');
  #moving: Moving | undefined;

  constructor(io: Io, voice: Voice) {
    this.#io = io;
    this.#voice = voice;
    io.stderr.on('error', () => {});
  }

  get voice(): Voice {
    return this.#voice;
  }

  /** Says more or less from now on. */
  setVerbosity(verbosity: Verbosity): void {
    this.#voice = { ...this.#voice, verbosity };
  }

  /** Prepares colours, where they are wanted. */
  async prepare(): Promise<this> {
    if (this.coloured) {
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

  /** True where colours are wanted. */
  get coloured(): boolean {
    return this.onTerminal && !this.#io.env['NO_COLOR'] && !this.#isDumb;
  }

  /**
   * True where what was written can be written over, and somebody wants to see it. A log of CI is no
   * such place, and neither is a terminal that has no size.
   */
  get canRedraw(): boolean {
    const { stderr, env } = this.#io;
    return this.onTerminal && this.shows('normal') && !this.#isDumb && !env['CI'] && stderr.columns > 0;
  }

  get #isDumb(): boolean {
    return this.#io.env['TERM'] === 'dumb';
  }

  shows(level: Level): boolean {
    return shown[this.voice.verbosity].includes(level);
  }

  /** Names what has to be cleared before anything else is written; undefined: there is nothing. */
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
    this.#moving?.clear();
    this.#io.stderr.write(`${lines}\n`);
  }
}
