import { abortReason } from './deadline.ts';

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

  /** Waits until it is open, or until `signal` is aborted. */
  join(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (--this.#waiting === 0) this.#abort.abort(abortReason(signal));
        reject(abortReason(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#opened.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}
