import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';

/** The most bytes that wait to be written to one file; further lines are dropped. */
const maxWaitingBytes = 1024 * 1024;

/** Wait before the next attempt to write to a full pipe. */
const fullMs = 50;

/** Time for writing the waiting lines when the program ends or reopens its files. */
const closingMs = 1000;

/** A log file, shared by all logs with its path. Writing a line never waits and never fails. */
export class LogFile {
  readonly #path: string;
  readonly #emit: EventSink;
  #sink: Sink | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #isFailing = false;
  #writing: Promise<void> | undefined;

  constructor(path: string, emit: EventSink) {
    this.#path = path;
    this.#emit = emit;
  }

  /** Adds a line, given without a line break. If the file does not keep up, the line is dropped with a warning. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waitingBytes + bytes > maxWaitingBytes) {
      if (this.#dropped++ === 0) this.#tell('does not keep up: lines are dropped');
      return;
    }
    this.#waiting.push(`${line}\n`);
    this.#waitingBytes += bytes;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** Opens the path again for later lines. */
  reopen(): Promise<void> {
    return this.#finish();
  }

  /** Writes the waiting lines, for a second at most, and closes the file. */
  close(): Promise<void> {
    return this.#finish();
  }

  /** Waits for the lines, but not for ever: a stuck reader must block neither a reload nor the end of the program. */
  async #finish(): Promise<void> {
    await Promise.race([this.#writing, delay(closingMs, undefined, { ref: false })]);
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.close().catch(() => {});
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const text = this.#waiting.join('');
      this.#waiting = [];
      try {
        this.#sink ??= await openSink(this.#path);
        await this.#sink.write(Buffer.from(text));
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) this.#tell(`cannot be written: ${messageOf(error)}`);
        this.#isFailing = true;
        await this.#letGo();
      }
      this.#waitingBytes -= Buffer.byteLength(text);
    }
    if (this.#dropped > 0) this.#tell(`keeps up again: ${this.#dropped} lines are missing`);
    this.#dropped = 0;
  }

  #tell(what: string): void {
    this.#emit({ event: 'notice', level: 'warning', message: `access log ${this.#path} ${what}` });
  }
}

/** The files of a process's access logs. Each is opened once, at its first line. */
export class LogFiles {
  readonly #files = new Map<string, LogFile>();
  readonly #emit: EventSink;

  constructor(emit: EventSink) {
    this.#emit = emit;
  }

  /** Returns the file with a path; `/dev/stdout` and `/dev/stderr` are those of the process. */
  get(path: string): LogFile {
    const known = this.#files.get(path) ?? new LogFile(path, this.#emit);
    this.#files.set(path, known);
    return known;
  }

  /** Opens all paths again, so that lines after a rotation go to the new files. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.reopen()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }
}

/** An output for bytes. */
interface Sink {
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

function openSink(path: string): Promise<Sink> {
  if (path === '/dev/stdout') return Promise.resolve(new StreamSink(process.stdout));
  if (path === '/dev/stderr') return Promise.resolve(new StreamSink(process.stderr));
  return FileSink.open(path);
}

/** Writes to a stream of the process, which is shared and therefore never closed. */
class StreamSink implements Sink {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', ignore);
  }

  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    this.#stream.off('error', ignore);
    return Promise.resolve();
  }
}

function ignore(): void {}

class FileSink implements Sink {
  readonly #handle: FileHandle;
  #isClosed = false;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async open(path: string): Promise<FileSink> {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
    // O_NONBLOCK: a pipe that nobody reads must not block a thread of Node.
    return new FileSink(await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644));
  }

  async write(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length && !this.#isClosed) {
      try {
        at += (await this.#handle.write(bytes, at)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await delay(fullMs, undefined, { ref: false });
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#handle.close();
  }
}
