import { Readable } from 'node:stream';
import type { CallBody } from '../call.ts';

/** The most bytes of a body that are kept so that it can be sent again. */
const maxKeptBytes = 64 * 1024;

/** True for a body that is short enough to be sent again, whatever of it was read. */
export function isRepeatable({ bytes = Infinity, again }: CallBody): boolean {
  return again !== undefined || bytes <= maxKeptBytes;
}

/** The body of a request that may have to be sent more than once: its beginning is kept as it is read. */
export class RepeatedBody {
  readonly #body: CallBody;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #reading: Readable | undefined;

  constructor(body: CallBody) {
    this.#body = body;
  }

  /** True while all that was read of the body is kept. */
  get isWhole(): boolean {
    return this.#body.again !== undefined || this.#keptBytes <= maxKeptBytes;
  }

  /** Makes the body for one request, from its beginning; the one before is read no further. It must be whole. */
  take(): CallBody {
    const original = this.#body;
    if (original.again) return original.again();
    this.#reading?.destroy();
    const source = new Again(original.source, [...this.#kept], (chunk) => this.#keep(chunk));
    this.#reading = source;
    return {
      source,
      bytes: original.bytes,
      trailers: () => original.trailers(),
      get isTaken() {
        return original.isTaken;
      },
      set isTaken(isTaken) {
        original.isTaken = isTaken;
      },
    };
  }

  #keep(chunk: Buffer): void {
    this.#keptBytes += chunk.length;
    if (this.isWhole) this.#kept.push(chunk);
    else this.#kept.length = 0;
  }
}

/** What was kept of a stream, and then the rest of it. Destroying it leaves the stream paused where it is. */
class Again extends Readable {
  readonly #source: Readable;
  readonly #kept: Buffer[];
  readonly #onChunk: (chunk: Buffer) => void;
  #isJoined = false;

  constructor(source: Readable, kept: Buffer[], onChunk: (chunk: Buffer) => void) {
    super();
    this.#source = source;
    this.#kept = kept;
    this.#onChunk = onChunk;
    // Readers add their own listener; without a reader, a failure must not end the process.
    this.on('error', () => {});
  }

  override _read(): void {
    const next = this.#kept.shift();
    if (next) this.push(next);
    else if (this.#isJoined) this.#source.resume();
    else this.#join();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onCut).off('close', this.#onCut);
    this.#source.pause();
    done(error);
  }

  #join(): void {
    this.#isJoined = true;
    if (this.#source.readableEnded) this.#onEnd();
    else if (this.#source.destroyed) this.#onCut();
    else {
      this.#source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onCut).on('close', this.#onCut);
      this.#source.resume();
    }
  }

  readonly #onData = (chunk: Buffer) => {
    this.#onChunk(chunk);
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = () => void this.push(null);

  readonly #onCut = () => void this.destroy(this.#source.errored ?? new Error('the body was cut short'));
}
