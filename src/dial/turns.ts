/** Time for which an alternative that failed comes last. */
const restMs = 10_000;

/**
 * The order in which alternatives are tried. `first` keeps their own order, `round-robin` begins with the next one each
 * time; alternatives that failed a moment ago come last.
 */
export class Turns<T> {
  readonly #all: readonly T[];
  readonly #mode: 'first' | 'round-robin';
  readonly #failedAt = new Map<T, number>();
  #turn = 0;

  constructor(all: readonly T[], mode: 'first' | 'round-robin') {
    this.#all = all;
    this.#mode = mode;
  }

  /** Lists all alternatives in the present order. */
  next(): T[] {
    const all = this.#all;
    const start = this.#mode === 'first' ? 0 : this.#turn++ % all.length;
    const turned = [...all.slice(start), ...all.slice(0, start)];
    if (this.#failedAt.size === 0) return turned;
    const isResting = (one: T) => performance.now() - (this.#failedAt.get(one) ?? -restMs) < restMs;
    return [...turned.filter((one) => !isResting(one)), ...turned.filter(isResting)];
  }

  /** Notes that an alternative could not be reached. */
  rest(one: T): void {
    this.#failedAt.set(one, performance.now());
  }

  /** Notes that an alternative was reached. */
  wake(one: T): void {
    this.#failedAt.delete(one);
  }
}
