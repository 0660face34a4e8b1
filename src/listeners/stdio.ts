import { Duplex } from 'node:stream';
import { type Link, streamLink } from '../core/link.ts';

/** The parts of standard input and output that a Link needs. */
export interface Stdio {
  readonly stdin: NodeJS.ReadableStream & { destroy(): unknown };
  readonly stdout: NodeJS.WritableStream & { readonly writableLength: number };
  /** Closes the descriptor of stdout, so that the reader sees the end. */
  readonly closeStdout: () => void;
}

/**
 * Makes a Link of stdin and stdout. Ending it closes stdout and leaves stdin open; an error of stdout, such as a reader
 * that went away, is an error of the Link.
 */
export function stdioLink(stdio: Stdio): Link {
  return streamLink(new StdioStream(stdio));
}

class StdioStream extends Duplex {
  readonly #stdio: Stdio;

  constructor(stdio: Stdio) {
    super({ allowHalfOpen: true });
    this.#stdio = stdio;
    const { stdin, stdout } = stdio;
    stdin.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdin.pause();
    });
    stdin.on('end', () => this.push(null));
    stdin.on('error', (error: NodeJS.ErrnoException) => this.#onInputError(error));
    stdin.pause();
    stdout.on('error', (error) => this.destroy(error));
  }

  // EIO comes from a terminal that went away.
  #onInputError(error: NodeJS.ErrnoException): void {
    if (error.code === 'EIO' || error.code === 'EOF') this.push(null);
    else this.destroy(error);
  }

  override _read(): void {
    this.#stdio.stdin.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // Back-pressure: the callback comes once the system has accepted the bytes.
    this.#stdio.stdout.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stdio.closeStdout();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stdio.stdin.destroy();
    done(error);
  }
}
