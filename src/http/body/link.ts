import { Duplex } from 'node:stream';
import { sizeOf } from '../../core/octets.ts';
import { type Link, resetError, streamLink } from '../../core/link.ts';
import { leavingTicks, type Ticked, wheel } from '../../core/wheel.ts';
import { BodyReader, type BodySink } from './reader.ts';
import { chunkHead, lastChunk } from '../wire/chunked.ts';
import type { Framing } from '../wire/framing.ts';

/**
 * Makes a Link from the two bodies of one HTTP/1.1 exchange: written bytes are sent in chunks, and the bytes read are
 * the body of the other side. A mark in the stream ends each body, so a connection that ends without the mark is an
 * abort and never looks like a clean end.
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

class BodyDuplex extends Duplex implements BodySink, Ticked {
  readonly #link: Link;
  readonly #reader: BodyReader;
  /** The mark that ends our body is written, and everything before it. */
  #isEndWritten = false;
  #ticksLeft = leavingTicks;

  constructor(link: Link, framing: Framing) {
    super({ allowHalfOpen: true });
    const { stream } = link;
    this.#link = link;
    this.#reader = new BodyReader(stream, framing, toBodyError);
    const onClose = () => {
      wheel.delete(this);
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
    // Only by reading on do we notice the end of the connection; further bytes are ignored.
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
    this.#isEndWritten = true;
    this.#closeWhenDone();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#isComplete) this.#link.stream.end();
    else this.#link.reset(error ?? resetError('the body was abandoned'));
    done(error);
  }

  onTick(): void {
    if (--this.#ticksLeft > 0) return;
    wheel.delete(this);
    this.#link.stream.destroy();
  }

  /** Writes all waiting buffers as one chunk, so that small writes do not each cost a frame. */
  #writeChunks(chunks: readonly Buffer[], done: () => void): void {
    const { stream } = this.#link;
    const bytes = sizeOf(chunks);
    if (bytes === 0) return done();
    stream.cork();
    stream.write(chunkHead(bytes), 'latin1');
    for (const chunk of chunks) stream.write(chunk);
    stream.write('\r\n', 'latin1', () => done());
    stream.uncork();
  }

  /** Ends the connection after both bodies; once that is out, the other side may take some seconds to end it too. */
  #closeWhenDone(): void {
    if (!this.#reader.isOver || !this.#isEndWritten) return;
    const { stream } = this.#link;
    stream.end(() => {
      if (!stream.destroyed) wheel.add(this);
    });
  }
}

/** Prefers the cause: it says more than the fact that the body is incomplete. */
function toBodyError(_fault: string, cause: unknown): Error {
  return cause instanceof Error ? cause : resetError('the connection ended in the middle of the body');
}
