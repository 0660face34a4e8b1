import type { Duplex } from 'node:stream';
import { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { ChunkedDecoder, type Decoded } from './chunked.ts';
import type { Framing } from './framing.ts';

/** Who takes a body. */
export interface BodySink {
  /** False asks for a pause. */
  onPart(part: Buffer): boolean;
  onEnd(): void;
  /** It will not be complete: the client ended or what came is not framed as it should be. */
  onError(error: Error): void;
}

/**
 * Reads one body off a connection, without its framing and not a byte further: what was read too far is put
 * back. Nothing is read before `resume`.
 */
export class BodyReader {
  /** The whole body has been taken. */
  isOver: boolean;
  /** It has ended before it was complete; the connection is of no further use. */
  isBroken = false;
  readonly #stream: Duplex;
  readonly #decode: (chunk: Buffer) => Decoded;
  readonly #decoder: ChunkedDecoder | undefined;
  #sink: BodySink | undefined;

  constructor(stream: Duplex, framing: Framing) {
    this.#stream = stream;
    this.isOver = framing.kind === 'length' && framing.bytes === 0;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder() : undefined;
    this.#decode = this.#decoder ? (chunk) => this.#decoder?.decode(chunk) as Decoded : countDown(framing);
  }

  get trailers(): readonly HeaderField[] {
    return this.#decoder?.trailers ?? [];
  }

  /** True once somebody has begun to take it. */
  get isStarted(): boolean {
    return this.#sink !== undefined;
  }

  /** Gives the rest of the body to this sink. */
  resume(sink: BodySink): void {
    if (this.isOver || this.isBroken) return;
    if (!this.#sink) {
      this.#stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
    }
    this.#sink = sink;
    if (this.#stream.destroyed) return this.#onEnd();
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
      return this.#break(bodyError(`the body of the request is refused: ${(error as Error).message}`, error));
    }
    for (const part of decoded.parts) if (part.length > 0 && !sink.onPart(part)) this.pause();
    if (!decoded.ended) return;
    this.isOver = true;
    this.#stop();
    if (decoded.taken < chunk.length) this.#stream.unshift(chunk.subarray(decoded.taken));
    sink.onEnd();
  };

  readonly #onEnd = (): void => {
    this.#break(bodyError('the client ended in the middle of the body of its request', this.#stream.errored));
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

function bodyError(message: string, cause: unknown): TunlError {
  return new TunlError('http_request_error', message, {
    side: 'client',
    phase: 'request',
    ...(cause ? { cause } : {}),
  });
}
