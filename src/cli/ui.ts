// The rules of the terminal. stdout carries data, stderr carries talk. What is said starts with
// `tunl: `, in lower case, with no full stop; an error is one line, then `tunl: hint: ` lines.
// Colour only where the stream that is written to is a terminal and NO_COLOR is unset. With --json,
// stderr holds JSON and nothing else. A spinner only on a terminal, and never in `connect`.
import type { Writable } from 'node:stream';
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

type Paint = (text: string) => string;
const unpainted: Paint = (text) => text;

/** The only writer to stdout and stderr. It never throws: a closed stderr silences it. */
export class Ui {
  readonly #io: Io;
  readonly voice: Voice;
  #paintError: Paint = unpainted;
  #paintHint: Paint = unpainted;
  #outputClosed = false;

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
    return this.voice.form === 'text' && this.#io.stderr.isTTY;
  }

  shows(level: Level): boolean {
    return shown[this.voice.verbosity].includes(level);
  }

  /** Writes data to stdout. */
  print(text: string): void {
    // Without a listener an EPIPE would end the process with a stack trace.
    this.#io.stdout.once('error', () => (this.#outputClosed = true));
    this.#io.stdout.write(text);
  }

  /** Says one line, unless --json was asked for. */
  say(level: Level, message: string): void {
    if (this.voice.form === 'json' || !this.shows(level)) return;
    const line = `tunl: ${toPrintable(message)}`;
    this.#io.stderr.write(`${level === 'error' ? this.#paintError(line) : line}\n`);
  }

  /** Says what can be done, or what the proxy said, below an error. */
  hint(message: string): void {
    if (this.voice.form === 'json') return;
    this.#io.stderr.write(`${this.#paintHint('tunl: hint:')} ${toPrintable(message)}\n`);
  }

  /** Writes lines that are laid out already, such as a table. */
  show(level: Level, text: string): void {
    if (this.voice.form === 'text' && this.shows(level)) this.#io.stderr.write(`${text}\n`);
  }

  /** Writes one event as a line of JSON, when --json was asked for. */
  record(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.voice.form === 'text' || !this.shows(level)) return;
    const line = JSON.stringify({ event, time: new Date().toISOString(), version: 1, ...fields });
    this.#io.stderr.write(`${line}\n`);
  }

  /** Resolves once what was written is out; with `closed` when nobody reads stdout any more. */
  async flush(): Promise<'written' | 'closed'> {
    await Promise.all([drain(this.#io.stdout), drain(this.#io.stderr)]);
    return this.#outputClosed ? 'closed' : 'written';
  }
}

function drain(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.write('', () => resolve());
  });
}
