import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import type { Io } from '../../../src/cli/terminal/io.ts';

/** An Io in memory: it keeps the output, and a test can send it signals. */
export interface FakeIo extends Io {
  readonly out: () => string;
  readonly said: () => string;
  /** The lines of stderr as the objects that --json writes. */
  readonly records: () => Record<string, unknown>[];
  readonly send: (signal: NodeJS.Signals) => void;
}

/** The differences from a program in a pipe with an empty environment. */
export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  /** The columns of the terminal. */
  readonly columns?: number;
}

export function makeIo({ env = {}, terminal = false, columns = 100 }: FakeIoOptions = {}): FakeIo {
  const emitter = new EventEmitter();
  const stdout = collect(terminal, columns);
  const stderr = collect(terminal, columns);
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal }) as unknown as NodeJS.ReadStream;
  return {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    on: (event: string, listener: (error: unknown) => void) => emitter.on(event, listener),
    out: stdout.text,
    said: stderr.text,
    records: () =>
      stderr
        .text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    send: (signal) => void emitter.emit(signal),
  };
}

function collect(terminal: boolean, columns: number): { stream: NodeJS.WriteStream; text: () => string } {
  const chunks: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const stream = Object.assign(
    sink,
    terminal ? { isTTY: true, columns, rows: 24 } : {},
  ) as unknown as NodeJS.WriteStream;
  return { stream, text: () => chunks.join('') };
}
