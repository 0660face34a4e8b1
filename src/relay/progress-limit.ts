import { wheel } from '../core/wheel.ts';

const secondMs = 1000;

/** Limits from here on need not be exact: the wheel serves them. */
const coarseMs = 30 * secondMs;

/**
 * A time limit that counts from the last progress. One of half a minute or more runs out up to a second late, and costs
 * a move of bytes nothing but a note.
 */
export class ProgressLimit {
  /** The limit that runs, in milliseconds; 0 if there is none. */
  ms = 0;
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #movedAt = 0;

  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  /** Starts the limit in place of the one that runs. */
  start(ms: number): void {
    this.stop();
    this.ms = ms;
    if (ms < coarseMs) {
      this.#timer = setTimeout(this.#onExpired, ms);
      return;
    }
    this.#movedAt = wheel.now;
    wheel.add(this);
  }

  /** Starts the limit again: there was progress. */
  touch(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#movedAt = wheel.now;
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    else if (this.ms > 0) wheel.delete(this);
    this.#timer = undefined;
    this.ms = 0;
  }

  onTick(now: number): void {
    // The first of these ticks may have come right after the progress.
    if ((now - this.#movedAt - 1) * secondMs < this.ms) return;
    wheel.delete(this);
    this.#onExpired();
  }
}
