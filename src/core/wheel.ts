/** Receives the ticks of a Wheel. */
export interface Ticked {
  /** @param now the number of ticks so far */
  onTick(now: number): void;
}

const tickMs = 1000;

/**
 * Serves everything that waits for whole seconds with one timer. It ticks once a second, and only while somebody
 * waits; by itself it does not keep the process alive.
 */
class Wheel {
  /** The number of ticks so far. */
  now = 0;
  readonly #waiting = new Set<Ticked>();
  #timer: NodeJS.Timeout | undefined;

  add(entry: Ticked): void {
    this.#waiting.add(entry);
    this.#timer ??= this.#arm();
  }

  /** Stops the ticks for this entry; it may be called from inside `onTick`. */
  delete(entry: Ticked): void {
    if (!this.#waiting.delete(entry) || this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): NodeJS.Timeout {
    return setTimeout(() => this.#tick(), tickMs).unref();
  }

  #tick(): void {
    this.#timer = this.#arm();
    this.now++;
    for (const entry of this.#waiting) entry.onTick(this.now);
  }
}

/** The only one of this process. */
export const wheel = new Wheel();
