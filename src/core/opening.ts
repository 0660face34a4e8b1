import { abortReason } from './deadline.ts';

/** Something that is being opened, and those who wait for it. It is given up when nobody does any more. */
export class Opening<T> {
  readonly #abort = new AbortController();
  readonly #opened: Promise<T>;
  #waiting = 0;

  constructor(open: (signal: AbortSignal) => Promise<T>) {
    this.#opened = open(this.#abort.signal);
    // Each waiter handles the failure by itself; without waiters it is nobody's.
    this.#opened.catch(() => {});
  }

  /** Nobody waits for it any more: who comes now opens another. */
  get isGivenUp(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Waits for it, for as long as `signal` is not aborted. */
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
