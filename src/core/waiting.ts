import { setTimeout as delay } from 'node:timers/promises';
import { abortReason, throwIfAborted } from './deadline.ts';

/** The first delay before something is tried again, and the longest, in milliseconds. */
const firstDelayMs = 250;
const longestDelayMs = 10_000;

/** Chooses a delay between half a step and a whole one, in milliseconds; `random` is in [0, 1). */
export function backOff(attempt: number, random: number): number {
  const step = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs);
  // Jitter: clients that lost the same proxy must not come back in step.
  return step / 2 + (random * step) / 2;
}

/** A resource that is being opened, shared by all who wait for it. It is given up once nobody waits any more. */
export class Opening<T> {
  readonly #abort = new AbortController();
  readonly #opened: Promise<T>;
  #waiting = 0;

  constructor(open: (signal: AbortSignal) => Promise<T>) {
    this.#opened = open(this.#abort.signal);
    // Each waiter handles the failure; without waiters it would be an unhandled rejection.
    this.#opened.catch(() => {});
  }

  /** True once nobody waits for it any more: the next caller opens another. */
  get isGivenUp(): boolean {
    return this.#abort.signal.aborted;
  }

  /** How many wait for it. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Waits until it is open, or until `signal` is aborted. */
  join(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (--this.#waiting === 0) this.#abort.abort(abortReason(signal));
        reject(abortReason(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const leave = () => signal.removeEventListener('abort', onAbort);
      this.#opened.then(
        (opened) => {
          leave();
          resolve(opened);
        },
        (error: unknown) => {
          leave();
          reject(error as Error);
        },
      );
    });
  }
}

/** Lets so many work at a time; the others wait for their turn, in order. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /**
   * Waits for a turn.
   * @returns the function that ends it; only its first call counts
   * @throws {TunlError} the signal's reason
   */
  async take(signal: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(onTurn), 1);
        reject(abortReason(signal));
      };
      this.#waiting.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** Counts by name. A name without a count is forgotten: there are more addresses and users than memory. */
export class Counts {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string): void {
    const left = this.of(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

/** Resolves as the work does, but rejects with the reason of the signal as soon as that is aborted. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    // Whoever has left does not hear of a failure.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Waits until the work is over, whatever came of it, but no longer than this many milliseconds.
 * @returns false if it is not over by then
 * @throws {TunlError} the signal's reason
 */
export async function isOverWithin(ms: number, work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const over = work.then(
    () => true,
    () => true,
  );
  try {
    return await unlessAborted(Promise.race([over, late]), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `ms` milliseconds, or until the signal is aborted. It never rejects. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Waits as the clock goes. */
export const pause: Wait = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});
