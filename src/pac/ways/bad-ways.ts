/** The time for which a way that failed comes last, in milliseconds. */
const restMs = 300_000;

/** The most ways that are remembered. */
const maxWays = 1000;

/**
 * Remembers the proxies that could not be reached, as Chrome does: for five minutes they are tried after all others. A
 * way counts as bad only if another one worked in its place; if all of them fail, nothing is learnt.
 */
export class BadWays {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Puts bad ways behind the others; both keep their order. */
  sort<T>(ways: readonly T[], keyOf: (way: T) => string): T[] {
    const isBad = (way: T) => (this.#until.get(keyOf(way)) ?? 0) > this.#now();
    return [...ways.filter((way) => !isBad(way)), ...ways.filter(isBad)];
  }

  /** Notes that some ways failed before another one worked. */
  learn(failed: readonly string[], worked: string): void {
    this.#until.delete(worked);
    for (const key of failed) {
      this.#until.delete(key);
      this.#until.set(key, this.#now() + restMs);
    }
    const [oldest] = this.#until.keys();
    if (oldest !== undefined && this.#until.size > maxWays) this.#until.delete(oldest);
  }
}
