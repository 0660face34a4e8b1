/** A token bucket: what a peer may ask of us in a burst, and then steadily. */
export class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledAt = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  /** Takes tokens; true if there were too few. `nowMs` is monotonic. */
  isSpentBy(cost: number, nowMs: number): boolean {
    this.refill(((nowMs - this.#refilledAt) / 1000) * this.#perSecond);
    this.#refilledAt = nowMs;
    this.#tokens -= cost;
    return this.#tokens < 0;
  }

  /** Gives tokens back. */
  refill(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }
}
