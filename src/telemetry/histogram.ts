/** Upper bounds of the buckets that Prometheus reads, in milliseconds: those of Envoy. */
export const bucketBounds: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** The quantiles that are told of, in percent: those of Envoy. */
export const percentiles: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];

/** Length of the periods whose values are told apart from all values, in milliseconds: Envoy's between two flushes. */
const periodMs = 5000;

/** Values from here on count as this one, 115 days in milliseconds, so that the number of bins is bounded. */
const mostMs = 1e10 - 1;

/** The distribution of some values. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Counts the values up to the bound of a bucket, and all that share the bin of the bound. */
  countUpTo(bound: number): number;
  /** Estimates a quantile; NaN if there are no values. */
  quantile(percent: number): number;
}

/** Counts of values by bins of two significant decimal digits, as the library of Envoy (circllhist) makes them. */
class Bins implements Distribution {
  /** The counts by the lower bounds of their bins, of which there are 820 at most. */
  readonly #counts = new Map<number, number>();
  count = 0;
  sum = 0;

  add(value: number): void {
    const lower = value < 10 ? value : value - (value % widthOf(value));
    this.#counts.set(lower, (this.#counts.get(lower) ?? 0) + 1);
    this.count++;
    this.sum += value;
  }

  countUpTo(bound: number): number {
    let sum = 0;
    for (const [lower, count] of this.#counts) if (lower <= bound) sum += count;
    return sum;
  }

  quantile(percent: number): number {
    const rank = (this.count * percent) / 100;
    let before = 0;
    for (const [lower, count] of [...this.#counts].toSorted(([one], [other]) => one - other)) {
      // The values of a bin are taken to be spread over it evenly, none of them at its ends.
      if (before + count >= rank) return lower + (widthOf(lower) * Math.max(1, Math.ceil(rank - before))) / (count + 1);
      before += count;
    }
    return Number.NaN;
  }
}

/** The width of the bin of a whole number: a tenth of its power of ten; 0 has a bin of its own. */
function widthOf(value: number): number {
  if (value < 10) return value === 0 ? 0 : 0.1;
  return 10 ** (String(value).length - 2);
}

/** Durations in whole milliseconds: all of them, and those of the last whole period. */
export class Histogram {
  readonly all: Distribution;
  readonly #all = new Bins();
  #current = new Bins();
  #latest = new Bins();
  #period = 0;

  constructor() {
    this.all = this.#all;
  }

  /** The values of the last whole period of five seconds. */
  get latest(): Distribution {
    this.#turn();
    return this.#latest;
  }

  /** Adds a duration in milliseconds. */
  record(ms: number): void {
    this.#turn();
    const value = Math.min(Math.max(0, Math.floor(ms)), mostMs);
    this.#all.add(value);
    this.#current.add(value);
  }

  /** Begins a new period if the last one is over, so that no timer is needed. */
  #turn(): void {
    const period = Math.floor(performance.now() / periodMs);
    if (period === this.#period) return;
    this.#latest = period === this.#period + 1 ? this.#current : new Bins();
    this.#current = new Bins();
    this.#period = period;
  }
}
