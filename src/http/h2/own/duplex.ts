import { Duplex } from 'node:stream';
import type { FlowEvents } from '../../../core/flow.ts';
import type { HeaderField } from '../../../core/hop.ts';
import { guardStream } from '../../../core/link.ts';
import type { Http2Stream } from '../../../h2/stream.ts';

/** Bytes that wait for a reader before the flow is paused. */
const readableBytes = 64 * 1024;

/** A stream of HTTP/2 as a Duplex, for whatever needs one. */
export class FlowDuplex extends Duplex implements FlowEvents {
  readonly #flow: Http2Stream;
  readonly #trailers: () => readonly HeaderField[] | undefined;
  #onWritten: (() => void) | undefined;
  #onFinal: (() => void) | undefined;

  /** @param trailers asked for when our half ends */
  constructor(flow: Http2Stream, trailers: () => readonly HeaderField[] | undefined) {
    super({ allowHalfOpen: true, readableHighWaterMark: readableBytes });
    this.#flow = flow;
    this.#trailers = trailers;
    guardStream(this);
    flow.listen(this);
    // Our half ended with the head, or the peer has closed it. Who answers ends it for himself.
    if (flow.isOwn && flow.isFinished) this.end();
  }

  override _read(): void {
    this.#flow.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#flow.write(chunk);
    this.#wait(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#flow.write(chunk);
    this.#wait(done);
  }

  override _final(done: () => void): void {
    if (this.#flow.isFinished) return done();
    this.#onFinal = done;
    this.#flow.end(this.#trailers());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onWritten = undefined;
    this.#onFinal = undefined;
    if (error) this.#flow.reset(error);
    else this.#flow.close();
    done(error);
  }

  onData(chunk: Buffer): boolean {
    if (!this.push(chunk)) this.#flow.pause();
    return true;
  }

  onEnd(): void {
    this.push(null);
  }

  onDrain(): void {
    if (this.#flow.queuedBytes > 0) return;
    const done = this.#onWritten;
    this.#onWritten = undefined;
    done?.();
  }

  onFinish(): void {
    const done = this.#onFinal;
    this.#onFinal = undefined;
    if (done) done();
    // The peer has closed the stream behind its end, and nothing of ours was lost: it takes no more.
    else this.end();
  }

  onReset(error: Error): void {
    const isRead = this.readableEnded || this.readableFlowing === null;
    // Whoever has begun to read gets everything that came before an end.
    if (this.#flow.isEnded && !isRead && !this.destroyed) this.once('end', () => this.destroy(error));
    else this.destroy(error);
  }

  /** What was written counts as taken once the windows of the peer have let it out. */
  #wait(done: () => void): void {
    if (this.#flow.queuedBytes === 0) done();
    else this.#onWritten = done;
  }
}
