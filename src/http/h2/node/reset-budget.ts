/** Streams that a peer may open and reset before we answered: a burst, then a steady rate. */
const burst = 100;
const perSecond = 20;

/**
 * Counts streams that ended before their answer. A client that cancels now and then never spends
 * it; rapid reset (CVE-2023-44487) spends it within one read.
 */
export class ResetBudget {
  #tokens = burst;
  #refilledAt = 0;

  /** Takes one token; true when none was left. `nowMs` is monotonic. */
  isSpentBy(nowMs: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#refilledAt) / 1000) * perSecond);
    this.#refilledAt = nowMs;
    this.#tokens -= 1;
    return this.#tokens < 0;
  }
}
