/** One that failed is asked last for this long. */
const restMs = 10_000;

/**
 * The order in which alternatives are asked. `first` keeps theirs, `round-robin` begins with the next one each
 * time; those that failed a moment ago come last.
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

  /** All of them, in the order that holds now. */
  next(): T[] {
    const all = this.#all;
    const start = this.#mode === 'first' ? 0 : this.#turn++ % all.length;
    const turned = [...all.slice(start), ...all.slice(0, start)];
    if (this.#failedAt.size === 0) return turned;
    const isResting = (one: T) => performance.now() - (this.#failedAt.get(one) ?? -restMs) < restMs;
    return [...turned.filter((one) => !isResting(one)), ...turned.filter(isResting)];
  }

  /** It could not be reached. */
  rest(one: T): void {
    this.#failedAt.set(one, performance.now());
  }

  /** It was reached. */
  wake(one: T): void {
    this.#failedAt.delete(one);
  }
}
