/** Time for which our FIN is held back by default. */
const usualWaitMs = 2000;

/**
 * Holds a client's FIN back from a hop until the target has ended, or until everything that the client sent is out and
 * nothing has moved for a while.
 */
export class HeldEnd {
  readonly #waitMs: number;
  readonly #release: () => void;
  #movedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param waitMs how long nothing must have moved; 0: only the end of the target releases it */
  constructor(waitMs: number = usualWaitMs, release: () => void) {
    this.#waitMs = waitMs;
    this.#release = release;
  }

  /** True if the FIN goes out after a wait even if the target does not end. */
  get isTimed(): boolean {
    return this.#waitMs > 0;
  }

  /** Starts the wait again: a byte moved in either direction, or the system accepted one that had waited. */
  move(): void {
    this.#movedAt = performance.now();
  }

  /** Waits for the rest of the time, now that the client has ended and its last byte is out. */
  start(): void {
    if (!this.isTimed || this.#timer) return;
    this.#timer = setTimeout(() => this.#look(), this.#waitMs - (performance.now() - this.#movedAt));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    if (performance.now() - this.#movedAt >= this.#waitMs) this.#release();
    else this.start();
  }
}
