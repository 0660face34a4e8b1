import { Duplex } from 'node:stream';
import { type Link, resetError, streamLink } from '../../core/link.ts';
import { BodyReader, type BodySink } from './reader.ts';
import { chunkHead, lastChunk } from '../wire/chunked.ts';
import type { Framing } from '../wire/framing.ts';

/**
 * A Link over the two bodies of one HTTP/1.1 exchange: what is written goes out in chunks, what is
 * read is the other side's body. Its end is a mark in the stream, so a connection that ends without
 * it is an abort and never looks like a clean end.
 */
export function bodyLink(link: Link, framing: Framing): Link {
  const stream = new BodyDuplex(link, framing);
  return {
    ...streamLink(stream, link.peer),
    reset: (error) => {
      link.reset(error);
      stream.destroy(error);
    },
  };
}

class BodyDuplex extends Duplex implements BodySink {
  readonly #link: Link;
  readonly #reader: BodyReader;

  constructor(link: Link, framing: Framing) {
    super({ allowHalfOpen: true });
    const { stream } = link;
    this.#link = link;
    this.#reader = new BodyReader(stream, framing, toBodyError);
    const onClose = () => {
      if (!this.#isComplete) this.destroy(stream.errored ?? resetError('the connection was closed'));
    };
    stream.on('error', (error) => this.destroy(error)).on('close', onClose);
    stream.pause();
    if (this.#reader.isOver) this.onEnd();
    if (stream.destroyed) onClose();
  }

  get #isComplete(): boolean {
    return this.#reader.isOver && this.writableFinished;
  }

  override _read(): void {
    this.#reader.resume(this);
  }

  onPart(part: Buffer): boolean {
    return this.push(part);
  }

  onEnd(): void {
    this.push(null);
    // Read on, so that the end of the connection itself is noticed; nothing that comes is used.
    this.#link.stream.resume();
    this.#closeWhenDone();
  }

  onError(error: Error): void {
    this.destroy(error);
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
    if (this.#isComplete) this.#link.stream.end();
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

  #closeWhenDone(): void {
    if (this.#reader.isOver && this.writableEnded) this.#link.stream.end();
  }
}

/** What broke it says more than that it broke. */
function toBodyError(_fault: string, cause: unknown): Error {
  return cause instanceof Error ? cause : resetError('the connection ended in the middle of the body');
}
