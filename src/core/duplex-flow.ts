import type { Duplex } from 'node:stream';
import type { Fate, Flow, FlowEvents } from './flow.ts';
import type { Link } from './link.ts';

const nothing = Buffer.alloc(0);

/** The failure of a stream that was destroyed without an error. Made once: its stack would cost more than all the rest. */
const closedInTheMiddle = new Error('closed in the middle');

/** The Flow of a Duplex. The streams below may keep what is written, so it is never `free`. */
export class DuplexFlow implements Flow {
  readonly #stream: Duplex;
  readonly #reset: (error: Error) => void;
  protected events: FlowEvents | undefined;
  /** True until the queue is empty again, once a chunk was kept. */
  protected isQueued = false;
  #isOver = false;

  /** @param reset aborts both halves of the stream, so that the other side sees it */
  constructor(stream: Duplex, reset: (error: Error) => void) {
    this.#stream = stream;
    this.#reset = reset;
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  get isEnded(): boolean {
    return this.#stream.readableEnded;
  }

  get isEnding(): boolean {
    return this.#stream.writableEnded;
  }

  get isFinished(): boolean {
    return this.#stream.writableFinished;
  }

  get failure(): Error | undefined {
    const { destroyed, errored, readableEnded, writableFinished } = this.#stream;
    if (errored || !destroyed || (readableEnded && writableFinished)) return errored ?? undefined;
    return closedInTheMiddle;
  }

  listen(events: FlowEvents): void {
    this.events = events;
    const onOver = () => this.onOver();
    this.#stream
      .pause()
      .on('data', (chunk: Buffer) => void events.onData(chunk))
      .on('end', () => events.onEnd())
      .on('finish', () => events.onFinish())
      .on('error', onOver)
      .on('close', onOver);
    this.followQueue();
  }

  /** Reports the end of the queue also if it was written to the stream before anybody used the Flow. */
  protected followQueue(): void {
    const stream = this.#stream;
    if (stream.writableLength === 0 || stream.writableEnded) return;
    this.isQueued = true;
    // The callback of an empty write comes once everything before it is out.
    stream.write(nothing, this.onWritten);
  }

  write(chunk: Buffer): Fate {
    this.isQueued = true;
    return this.#stream.write(chunk, this.onWritten) ? 'kept' : 'full';
  }

  end(): void {
    this.#stream.end();
  }

  reset(error: Error): void {
    this.#reset(error);
  }

  close(): void {
    this.#stream.destroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The callback of each write. */
  protected readonly onWritten = (error?: Error | null): void => {
    if (error || !this.isQueued || this.#stream.writableLength > 0) return;
    this.isQueued = false;
    this.events?.onDrain();
  };

  /** Reports that both halves are over, unless they have ended cleanly; the stream has failed, or is closed. */
  onOver(): void {
    const { failure } = this;
    if (this.#isOver || !failure) return;
    this.#isOver = true;
    this.events?.onReset(failure);
  }
}

/** Returns the Flow of a Link; whoever listens to it leaves the stream alone from then on. */
export function flowOf(link: Link): Flow {
  return link.flow ?? new DuplexFlow(link.stream, (error) => link.reset(error));
}

/** Receives bytes whose memory is lent: see `FlowEvents.onData`. */
export type Receive = FlowEvents['onData'];

/** A stream that can lend what it reads, past its own queue. */
export interface LendingStream extends Duplex {
  /** Passes to `receive` what came before, in a later tick, and then all that comes. `'end'` and what else it emits stay. */
  lend(receive: Receive): void;
}

/** Starts to read a stream for good. What it cannot lend, it gives away. */
export function readLent(stream: Duplex, receive: Receive): void {
  if (isLending(stream)) stream.lend(receive);
  else stream.on('data', (chunk: Buffer) => void receive(chunk)).resume();
}

function isLending(stream: Duplex): stream is LendingStream {
  return 'lend' in stream;
}
