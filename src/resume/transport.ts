import type { Fate, Flow, FlowEvents } from '../core/flow.ts';
import { resetError } from '../core/link.ts';
import { leavingTicks, type Ticked, wheel } from '../core/wheel.ts';
import { FrameReader, type FrameSink } from './frames.ts';

/** Receives what comes over a transport. */
export interface TransportOwner extends FrameSink {
  /** Bytes arrived, whatever they mean. */
  onAlive(): void;
  /** The transport takes more. */
  onRoom(): void;
  /** It ended or failed; nothing is sent over it any more. */
  onTransportLost(reason: Error): void;
}

/** One of the connections that carry a resumable stream, one after the other. */
export class Transport implements FlowEvents, Ticked {
  /** True while the next bytes should wait for `onRoom`. */
  isFull = false;
  readonly #flow: Flow;
  readonly #reader = new FrameReader();
  #owner: TransportOwner | undefined;
  #ticksLeft = leavingTicks;

  constructor(flow: Flow, owner: TransportOwner) {
    this.#flow = flow;
    this.#owner = owner;
  }

  get queuedBytes(): number {
    return this.#flow.queuedBytes;
  }

  /** Begins to read. */
  start(): void {
    this.#flow.listen(this);
    const { failure, isEnded } = this.#flow;
    if (failure) this.onReset(failure);
    else if (isEnded) this.onEnd();
    else this.#flow.resume();
  }

  write(bytes: Buffer): Fate {
    const fate = this.#flow.write(bytes);
    if (fate === 'full' || fate === 'wait') this.isFull = true;
    return fate;
  }

  /** Gives it up at once, because it is of no use any more. */
  drop(reason: Error): void {
    if (!this.#release()) return;
    this.#flow.reset(reason);
  }

  /** Gives it up because it does not work, and tells its owner. */
  lose(reason: Error): void {
    const owner = this.#owner;
    if (!owner) return;
    this.drop(reason);
    owner.onTransportLost(reason);
  }

  /** Ends it after what was written. A side that does not end it too is reset. */
  leave(): void {
    if (!this.#release()) return;
    this.#flow.end();
    wheel.add(this);
    if (this.#flow.isEnded) this.onEnd();
  }

  onData(chunk: Buffer): boolean {
    const owner = this.#owner;
    if (!owner) return false;
    owner.onAlive();
    return this.#reader.read(chunk, owner);
  }

  onEnd(): void {
    if (this.#owner) this.lose(resetError('the transport was ended'));
    else if (this.#flow.isFinished) this.#close();
  }

  onDrain(): void {
    this.isFull = false;
    this.#owner?.onRoom();
  }

  onFinish(): void {
    if (!this.#owner && this.#flow.isEnded) this.#close();
  }

  onReset(error: Error): void {
    wheel.delete(this);
    this.lose(error);
  }

  onTick(): void {
    if (--this.#ticksLeft > 0) return;
    wheel.delete(this);
    this.#flow.reset(resetError('the other side did not end the transport'));
  }

  #close(): void {
    wheel.delete(this);
    this.#flow.close();
  }

  /** Lets its owner go; returns false if it was let go before. */
  #release(): boolean {
    if (!this.#owner) return false;
    this.#owner = undefined;
    this.#reader.stop();
    return true;
  }
}
