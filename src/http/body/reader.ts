import type { Duplex } from 'node:stream';
import type { HeaderField } from '../../core/hop.ts';
import { ChunkedDecoder, type Decoded } from '../wire/chunked.ts';
import type { Framing } from '../wire/framing.ts';

/** Receives the parts of a body. */
export interface BodySink {
  /** Takes a part of the body; returns false to ask for a pause. */
  onPart(part: Buffer): boolean;
  onEnd(): void;
  /** The body will not be complete: the peer ended the connection or sent invalid framing. */
  onError(error: Error): void;
}

/** Makes the error of a body from a description of the fault. */
export type BodyFault = (fault: string, cause: unknown) => Error;

/**
 * Reads one body from a connection, without its framing and not one byte beyond its end: bytes after the body are put
 * back. Nothing is read before `resume`.
 */
export class BodyReader {
  /** True once the whole body has been read. */
  isOver: boolean;
  /** True if the body ended before it was complete; the connection cannot be used any more. */
  isBroken = false;
  readonly #stream: Duplex;
  readonly #decode: (chunk: Buffer) => Decoded;
  readonly #decoder: ChunkedDecoder | undefined;
  readonly #endsWithConnection: boolean;
  readonly #toError: BodyFault;
  #sink: BodySink | undefined;

  constructor(stream: Duplex, framing: Framing, toError: BodyFault) {
    this.#stream = stream;
    this.#endsWithConnection = framing.kind === 'close';
    this.#toError = toError;
    this.isOver = framing.kind === 'length' && framing.bytes === 0;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder() : undefined;
    this.#decode = this.#decoder ? (chunk) => this.#decoder?.decode(chunk) as Decoded : countDown(framing);
  }

  get trailers(): readonly HeaderField[] {
    return this.#decoder?.trailers ?? [];
  }

  /** True once a sink has begun to read it. */
  get isStarted(): boolean {
    return this.#sink !== undefined;
  }

  /** Sends the rest of the body to this sink. */
  resume(sink: BodySink): void {
    if (this.isOver || this.isBroken) return;
    if (!this.#sink) {
      this.#stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
    }
    this.#sink = sink;
    // If the stream ended together with the head, it emits no further event.
    if (this.#stream.destroyed || this.#stream.readableEnded) return this.#onEnd();
    this.#stream.resume();
  }

  pause(): void {
    if (!this.isOver) this.#stream.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    const sink = this.#sink as BodySink;
    let decoded: Decoded;
    try {
      decoded = this.#decode(chunk);
    } catch (error) {
      return this.#break(this.#toError((error as Error).message, error));
    }
    for (const part of decoded.parts) if (part.length > 0 && !sink.onPart(part)) this.pause();
    if (!decoded.ended) return;
    this.isOver = true;
    this.#stop();
    if (decoded.taken < chunk.length) this.#stream.unshift(chunk.subarray(decoded.taken));
    sink.onEnd();
  };

  readonly #onEnd = (): void => {
    const { readableEnded, errored } = this.#stream;
    if (!this.#endsWithConnection || !readableEnded || errored) {
      return this.#break(this.#toError('the connection ended in the middle of it', errored));
    }
    if (this.isOver || this.isBroken) return;
    this.isOver = true;
    this.#stop();
    this.#sink?.onEnd();
  };

  #break(error: Error): void {
    if (this.isOver || this.isBroken) return;
    this.isBroken = true;
    this.#stop();
    this.#sink?.onError(error);
  }

  #stop(): void {
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#stream.pause();
  }
}

function countDown(framing: Framing): (chunk: Buffer) => Decoded {
  let left = framing.kind === 'length' ? framing.bytes : Infinity;
  return (chunk) => {
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    left -= part.length;
    return { parts: [part], ended: left === 0, taken: part.length };
  };
}
