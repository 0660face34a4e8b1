import type { Duplex } from 'node:stream';

/** Moves the bytes of one direction of a tunnel, with back-pressure, and counts them. */
export class Pump {
  /** Bytes handed to the destination so far. */
  bytes = 0;
  /** True once the source has ended: no byte will follow. */
  ended = false;
  /** True once the system has accepted the end and everything before it. */
  finished = false;
  /** True once bytes came that the destination no longer accepts: its far side has gone without an error. */
  refused = false;
  /** True while the end is held back from the destination. */
  isHeld = false;
  /** True once nobody reads at the destination any more and further bytes are dropped. */
  #isDropping = false;

  readonly #source: Duplex;
  readonly #destination: Duplex;
  readonly #onProgress: () => void;
  readonly #onEnd: () => void;
  readonly #onTaken: (() => void) | undefined;

  /** @param onTaken called each time the system has accepted a chunk */
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

  /** True while the system has not accepted all bytes. */
  get isQueued(): boolean {
    return this.#destination.writableLength > 0;
  }

  /** Passes the end on, now or when it comes. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (this.ended && !this.finished) this.#endDestination();
  }

  /** Reads the source to its end without passing anything on. */
  drop(): void {
    this.#isDropping = true;
    this.#source.resume();
  }

  /** Stops moving bytes. Bytes that the source still has stay unread. */
  stop(): void {
    this.#source.pause();
    this.#source.off('data', this.#onData);
    this.#destination.off('drain', this.#onDrain);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isDropping) return this.#onProgress();
    // Only HTTP/2 has such an end: everywhere else a failed write is an error.
    if (this.#destination.writableEnded) return this.#refuse();
    this.bytes += chunk.length;
    this.#onProgress();
    if (!this.#destination.write(chunk, this.#onTaken)) this.#source.pause();
  };

  // A slow reader that drains counts as progress too: nothing else may happen in the meantime.
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

  /** Notes that the destination has finished; if it did so by itself, the source goes on. */
  #onFinish(): void {
    this.finished = this.ended;
    this.#onEnd();
  }
}
