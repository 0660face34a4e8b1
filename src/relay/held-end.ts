/** How long our end is kept where nobody says it. */
const usualWaitMs = 2000;

/**
 * The end of a client that is kept from a hop: until the target has ended, or until nothing has moved for a while
 * and all that the client sent is out.
 */
export class HeldEnd {
  readonly #waitMs: number;
  readonly #release: () => void;
  #movedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param waitMs 0: there is no such while */
  constructor(waitMs: number = usualWaitMs, release: () => void) {
    this.#waitMs = waitMs;
    this.#release = release;
  }

  /** It goes out by itself some day. */
  get isTimed(): boolean {
    return this.#waitMs > 0;
  }

  /** A byte came, or the system has taken one of ours. */
  move(): void {
    this.#movedAt = performance.now();
  }

  /** The client has ended, and its last byte is out: what is left of the wait begins. */
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
