import type { Flow, FlowEvents, PauseCount } from '../core/flow.ts';
import { resetError } from '../core/link.ts';

/** Receives what concerns both sides of a tunnel. */
export interface SideOwner {
  /** A chunk of this side is about to be passed on and counted, or is dropped. */
  onMoved(side: Side, chunk: Buffer): void;
  /** The system has taken everything that was written to this side. */
  onDrained(side: Side): void;
  /** The state of an end has changed. */
  onEndChanged(): void;
  onFinished(side: Side): void;
  onReset(side: Side, error: Error): void;
}

/** Makes the reason for the reset of a side whose other side takes nothing more. */
export function goneError(): Error {
  return resetError('it ended the tunnel and accepts nothing more');
}

/**
 * One side of a tunnel: the Flow, and the bytes that come from it and go to the other side, with back-pressure. The
 * fields tell of this direction.
 */
export class Side implements FlowEvents, PauseCount {
  readonly flow: Flow;
  other!: Side;
  /** Bytes handed to the other side so far. */
  bytes = 0;
  paused = 0;
  resumed = 0;
  /** True once a byte came from this side, even if it was dropped. */
  hasBegun = false;
  /** True once this side has ended: no byte will follow. */
  ended = false;
  /** True once the other side has accepted the end and everything before it. */
  finished = false;
  /** True once bytes came that the other side no longer accepts: its far end has gone without an error. */
  refused = false;
  /** True while the end is held back from the other side. */
  isHeld = false;
  readonly #owner: SideOwner;
  /** True while this side is paused until the other has drained. */
  #isWaiting = false;
  /** True once nobody reads at the other side any more and further bytes are dropped. */
  #isDropping = false;

  constructor(flow: Flow, owner: SideOwner) {
    this.flow = flow;
    this.#owner = owner;
  }

  start(): void {
    if (this.flow.isEnded) this.onEnd();
    else this.flow.resume();
  }

  /** True while the other side has not accepted all bytes. */
  get isQueued(): boolean {
    return this.other.flow.queuedBytes > 0;
  }

  /** Passes the end on, now or when it comes. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (this.ended && !this.finished) this.#endOther();
  }

  /** Reads to the end without passing anything on. */
  drop(): void {
    this.#isDropping = true;
    this.flow.resume();
  }

  /** Stops moving bytes. Bytes that the Flow still has stay unread. */
  stop(): void {
    this.#isWaiting = false;
    this.flow.pause();
  }

  onData(chunk: Buffer): boolean {
    const { flow } = this.other;
    if (this.#isDropping) {
      this.#move(chunk);
      return false;
    }
    // Only HTTP/2 has such an end: everywhere else a failed write is an error.
    if (flow.isEnding) {
      this.#refuse();
      return false;
    }
    this.#move(chunk);
    this.bytes += chunk.length;
    const fate = flow.write(chunk);
    if (fate === 'free') return false;
    if (fate !== 'kept') {
      this.#isWaiting = true;
      this.paused++;
      this.flow.pause();
    }
    return fate !== 'wait';
  }

  onEnd(): void {
    this.ended = true;
    if (this.other.flow.isFinished) this.#noteFinish();
    else if (this.isHeld) this.#owner.onEndChanged();
    else this.#endOther();
  }

  onDrain(): void {
    this.other.goOn();
    this.#owner.onDrained(this);
  }

  onFinish(): void {
    this.other.#noteFinish();
    this.#owner.onFinished(this);
  }

  onReset(error: Error): void {
    this.#owner.onReset(this, error);
  }

  /** Reads again, now that the other side has drained. */
  goOn(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.resumed++;
    this.flow.resume();
  }

  #move(chunk: Buffer): void {
    this.#owner.onMoved(this, chunk);
    this.hasBegun = true;
  }

  #refuse(): void {
    this.refused = true;
    this.stop();
    this.#owner.onEndChanged();
  }

  #endOther(): void {
    this.other.flow.end();
    this.#owner.onEndChanged();
  }

  /** Notes that the other side has finished; if it did so by itself, this one goes on. */
  #noteFinish(): void {
    this.finished = this.ended && !this.refused;
    this.#owner.onEndChanged();
  }
}
