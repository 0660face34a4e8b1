/** Receives the ticks of a Wheel. */
export interface Ticked {
  /** @param now the number of ticks so far */
  onTick(now: number): void;
}

const tickMs = 1000;

/** Ticks that the other side has to end a connection which is no longer needed. */
export const leavingTicks = 5;

/**
 * Serves everything that waits for whole seconds with one timer. It ticks once a second while somebody waits, and once
 * more; by itself it does not keep the process alive.
 */
class Wheel {
  /** The number of ticks so far. */
  now = 0;
  readonly #waiting = new Set<Ticked>();
  #isTicking = false;

  add(entry: Ticked): void {
    this.#waiting.add(entry);
    if (!this.#isTicking) this.#arm();
  }

  /** Stops the ticks for this entry; it may be called from inside `onTick`. */
  delete(entry: Ticked): void {
    this.#waiting.delete(entry);
  }

  #arm(): void {
    this.#isTicking = true;
    setTimeout(() => this.#tick(), tickMs).unref();
  }

  #tick(): void {
    this.#isTicking = false;
    if (this.#waiting.size > 0) this.#arm();
    this.now++;
    for (const entry of this.#waiting) entry.onTick(this.now);
  }
}

/** The only one of this process. */
export const wheel = new Wheel();
