/** A token bucket: what a peer may ask of us in a burst, and then steadily. */
export class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledAt = performance.now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  /** Takes tokens; true if there were too few. */
  isSpentBy(cost: number): boolean {
    this.#tokens -= cost;
    if (this.#tokens >= 0) return false;
    // Only now: asking for the time costs as much as reading a frame.
    const now = performance.now();
    this.refill(((now - this.#refilledAt) / 1000) * this.#perSecond);
    this.#refilledAt = now;
    return this.#tokens < 0;
  }

  /** Gives tokens back. */
  refill(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }
}
