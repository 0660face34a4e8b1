import { Duplex } from 'node:stream';
import { type Link, resetError, streamLink } from '../core/link.ts';
import { ChunkedDecoder, chunkHead, lastChunk } from './chunked.ts';
import type { Framing } from './framing.ts';

/**
 * A Link over the two bodies of one HTTP/1.1 exchange: what is written goes out in chunks, what is
 * read is the other side's body. Its end is a mark in the stream, so a connection that ends without
 * it is an abort and never looks like a clean end.
 */
export function bodyLink(link: Link, framing: Framing): Link {
  const stream = new BodyStream(link, framing);
  return {
    ...streamLink(stream, link.peer),
    reset: (error) => {
      link.reset(error);
      stream.destroy(error);
    },
  };
}

class BodyStream extends Duplex {
  readonly #link: Link;
  readonly #decode: (chunk: Buffer) => { parts: readonly Buffer[]; ended: boolean };
  #ended = false;

  constructor(link: Link, framing: Framing) {
    super({ allowHalfOpen: true });
    this.#link = link;
    this.#decode = createDecode(framing);
    const { stream } = link;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => this.#onConnectionEnd(framing));
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => {
      if (!this.#ended || !this.writableFinished)
        this.destroy(stream.errored ?? resetError('the connection was closed'));
    });
    stream.pause();
    if (framing.kind === 'length' && framing.bytes === 0) this.#end();
    // An end that came together with the head has been told already.
    else if (stream.readableEnded) process.nextTick(() => this.#onConnectionEnd(framing));
    if (stream.destroyed) this.destroy(stream.errored ?? resetError('the connection was closed'));
  }

  override _read(): void {
    if (!this.#ended) this.#link.stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#writeChunks([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#writeChunks(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.#link.stream.write(lastChunk, 'latin1', () => done());
    this.#closeWhenDone();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const complete = this.#ended && this.writableFinished;
    if (complete) this.#link.stream.end();
    else this.#link.reset(error ?? resetError('the body was abandoned'));
    done(error);
  }

  /** One chunk for all that waits: small writes do not each cost a frame. */
  #writeChunks(chunks: readonly Buffer[], done: () => void): void {
    const { stream } = this.#link;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytes === 0) return done();
    stream.cork();
    stream.write(chunkHead(bytes), 'latin1');
    for (const chunk of chunks) stream.write(chunk);
    stream.write('\r\n', 'latin1', () => done());
    stream.uncork();
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      const { parts, ended } = this.#decode(chunk);
      for (const part of parts) if (!this.push(part)) this.#link.stream.pause();
      if (ended) this.#end();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #onConnectionEnd({ kind }: Framing): void {
    if (this.#ended) return;
    if (kind === 'close') this.#end();
    else this.destroy(resetError('the connection ended in the middle of the body'));
  }

  #end(): void {
    this.#ended = true;
    this.push(null);
    // Read on, so that the end of the connection itself is noticed; nothing that comes is used.
    this.#link.stream.resume();
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#ended && this.writableEnded) this.#link.stream.end();
  }
}

function createDecode(framing: Framing): (chunk: Buffer) => { parts: readonly Buffer[]; ended: boolean } {
  if (framing.kind === 'chunked') {
    const decoder = new ChunkedDecoder();
    return (chunk) => decoder.decode(chunk);
  }
  let left = framing.kind === 'length' ? framing.bytes : Infinity;
  return (chunk) => {
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    left -= part.length;
    return { parts: [part], ended: left === 0 };
  };
}
