import type { Duplex } from 'node:stream';

/** Moves one direction of a tunnel, with back-pressure, and counts it. */
export class Pump {
  /** Bytes handed to the destination so far. */
  bytes = 0;
  /** The source has ended: no byte will follow. */
  ended = false;
  /** The end and everything before it has been handed to the system. */
  finished = false;
  /** Bytes came that the destination does not take any more: its far side has gone without an error. */
  refused = false;
  /** Keeps the end from the destination for now. */
  isHeld = false;
  /** Nobody reads at the destination any more: what comes is dropped. */
  #isDropping = false;

  readonly #source: Duplex;
  readonly #destination: Duplex;
  readonly #onProgress: () => void;
  readonly #onEnd: () => void;
  readonly #onTaken: (() => void) | undefined;

  /** @param onTaken called each time that the system has taken a chunk */
  constructor(source: Duplex, destination: Duplex, onProgress: () => void, onEnd: () => void, onTaken?: () => void) {
    this.#source = source;
    this.#destination = destination;
    this.#onProgress = onProgress;
    this.#onEnd = onEnd;
    this.#onTaken = onTaken;
  }

  start(): void {
    const source = this.#source;
    const destination = this.#destination;
    source.on('data', this.#onData);
    destination.on('drain', this.#onDrain);
    destination.once('finish', () => this.#onFinish());
    if (source.readableEnded) this.#end();
    else {
      source.once('end', () => this.#end());
      source.resume();
    }
  }

  /** Bytes that the system has not taken yet. */
  get isQueued(): boolean {
    return this.#destination.writableLength > 0;
  }

  /** Lets the end go on, now or when it comes. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (this.ended && !this.finished) this.#endDestination();
  }

  /** Goes on reading the source to its end and passes nothing on. */
  drop(): void {
    this.#isDropping = true;
    this.#source.resume();
  }

  /** Moves nothing more. What the source still has stays unread. */
  stop(): void {
    this.#source.pause();
    this.#source.off('data', this.#onData);
    this.#destination.off('drain', this.#onDrain);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isDropping) return this.#onProgress();
    // Only HTTP/2 knows such an end: everywhere else what cannot be written is an error.
    if (this.#destination.writableEnded) return this.#refuse();
    this.bytes += chunk.length;
    this.#onProgress();
    if (!this.#destination.write(chunk, this.#onTaken)) this.#source.pause();
  };

  // A slow reader that drains is progress too: nothing else may happen for as long as it takes.
  readonly #onDrain = (): void => {
    this.#onProgress();
    this.#source.resume();
  };

  #refuse(): void {
    this.refused = true;
    this.stop();
    this.#onEnd();
  }

  #end(): void {
    this.ended = true;
    if (this.#destination.writableFinished) return this.#onFinish();
    if (this.isHeld) this.#onEnd();
    else this.#endDestination();
  }

  #endDestination(): void {
    this.#destination.end();
    this.#onEnd();
  }

  /** A destination that finishes by itself leaves its source to go on. */
  #onFinish(): void {
    this.finished = this.ended;
    this.#onEnd();
  }
}
