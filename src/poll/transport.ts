import { ByteQueue } from '../core/byte-queue.ts';
import type { Fate, Flow, FlowEvents } from '../core/flow.ts';
import { resetError } from '../core/link.ts';
import { nobody } from '../resume/terms.ts';
import { maxBodyBytes } from './fields.ts';

/** Bytes that wait for a request from which on the writer should wait too. */
const fullBytes = 2 * maxBodyBytes;

/**
 * One end of a transport of a resumable stream that consists of requests. It has no ends of halves of its own: the
 * stream has those, and lets it go when both are over.
 */
export abstract class PollTransport implements Flow {
  failure: Error | undefined;
  isEnded = false;
  isEnding = false;
  isFinished = false;
  #events: FlowEvents = nobody;
  #isPaused = true;
  readonly #queue = new ByteQueue();
  readonly #unread: Buffer[] = [];

  /** There are bytes to send, or the last of them are sent. It is called from inside `write` and `end`. */
  protected abstract onWork(): void;

  /** The transport is over; it has told its listener. */
  protected abstract onOver(): void;

  /** True once it carries nothing any more. */
  protected get isOver(): boolean {
    return this.failure !== undefined || this.isFinished;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  listen(events: FlowEvents): void {
    this.#events = events;
  }

  write(chunk: Buffer): Fate {
    if (this.isOver || this.isEnding) return 'free';
    this.#queue.push(chunk);
    this.onWork();
    return this.queuedBytes >= fullBytes ? 'full' : 'kept';
  }

  end(): void {
    if (this.isOver || this.isEnding) return;
    this.isEnding = true;
    this.onWork();
  }

  reset(error: Error): void {
    if (this.isOver) return;
    this.failure = error;
    this.#queue.clear();
    this.#events = nobody;
    this.onOver();
  }

  close(): void {
    this.reset(resetError('the transport was closed'));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#unread.length > 0) process.nextTick(() => this.#deliverUnread());
  }

  /** Takes bytes from the queue, at most this many; there are fewer only if there are no more. */
  protected take(most: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let left = most; left > 0 && !this.#queue.isEmpty;) {
      const part = this.#queue.take(left);
      taken.push(part);
      left -= part.length;
    }
    return taken;
  }

  /** Tells the writer that a body is on its way. */
  protected drained(): void {
    if (!this.isOver && this.queuedBytes < maxBodyBytes) this.#events.onDrain();
  }

  /** Passes on bytes that came. */
  protected deliver(body: readonly Buffer[]): void {
    this.#unread.push(...body);
    this.#deliverUnread();
  }

  /** Ends both halves, because all that was written is sent. */
  protected finish(): void {
    if (this.isOver) return;
    const events = this.#events;
    this.isFinished = true;
    this.isEnded = true;
    this.onOver();
    events.onFinish();
    events.onEnd();
  }

  /** Tells the stream that the transport is of no use any more. */
  protected lose(error: Error): void {
    if (this.isOver) return;
    const events = this.#events;
    this.reset(error);
    events.onReset(error);
  }

  #deliverUnread(): void {
    while (!this.#isPaused && !this.isOver) {
      const part = this.#unread.shift();
      if (!part) return;
      this.#events.onData(part);
    }
  }
}
