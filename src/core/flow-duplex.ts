import { Duplex } from 'node:stream';
import type { Flow, FlowEvents } from './flow.ts';
import { guardStream, type Link, type Peer } from './link.ts';

/** Bytes that wait for a reader before the flow is paused. */
const readableBytes = 64 * 1024;

/** Bytes that wait in the queue of the Flow before a writer should wait; Node's default differs between its versions. */
const writableBytes = 16 * 1024;

/** A Flow as a Duplex, for whatever needs one. */
export class FlowDuplex extends Duplex implements FlowEvents {
  readonly #flow: Flow;
  readonly #end: () => void;
  #onWritten: (() => void) | undefined;
  #onFinal: (() => void) | undefined;

  /** @param end ends our half of the Flow, if that takes more than its own `end` */
  constructor(flow: Flow, end: () => void = () => flow.end()) {
    super({ allowHalfOpen: true, readableHighWaterMark: readableBytes, writableHighWaterMark: writableBytes });
    this.#flow = flow;
    this.#end = end;
    guardStream(this);
    flow.listen(this);
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
    this.#end();
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
    // The other side takes no more, and nothing of ours was lost.
    else this.end();
  }

  onReset(error: Error): void {
    const isRead = this.readableEnded || this.readableFlowing === null;
    // Whoever has begun to read gets everything that came before an end.
    if (this.#flow.isEnded && !isRead && !this.destroyed) this.once('end', () => this.destroy(error));
    else this.destroy(error);
  }

  /** What was written counts as taken once the Flow has nothing left in its queue. */
  #wait(done: () => void): void {
    if (this.#flow.queuedBytes === 0) done();
    else this.#onWritten = done;
  }
}

/** A Flow as a Link. Its Duplex is made when it is first asked for. */
export class FlowLink implements Link {
  readonly peer: Peer;
  readonly #flow: Flow;
  #stream: FlowDuplex | undefined;

  constructor(flow: Flow, peer: Peer) {
    this.#flow = flow;
    this.peer = peer;
  }

  /** Absent once somebody has asked for the Duplex. */
  get flow(): Flow | undefined {
    return this.#stream ? undefined : this.#flow;
  }

  get stream(): Duplex {
    this.#stream ??= new FlowDuplex(this.#flow);
    return this.#stream;
  }

  reset(error: Error): void {
    this.#flow.reset(error);
    this.#stream?.destroy(error);
  }
}
