import type { Http2Session } from 'node:http2';

/** Bytes that the streams of one session may have on the way to us, all together. */
const budgetBytes = 64 * 1024 * 1024;

/** What HTTP/2 starts with; a stream below it would be slow for no reason. */
const leastBytes = 65_535;

/**
 * Keeps what slow readers on one session can pile up within a budget. Node gives the connection's
 * window back at once, so that one stalled stream does not stop its neighbours; what limits memory
 * is the stream windows alone. They shrink as streams are added and grow back when most are gone.
 */
export class WindowBudget {
  readonly #session: Http2Session;
  readonly #fullBytes: number;
  #streams = 0;
  #windowBytes: number;

  constructor(session: Http2Session, fullBytes: number) {
    this.#session = session;
    this.#fullBytes = fullBytes;
    this.#windowBytes = fullBytes;
  }

  /** A stream was opened. */
  add(): void {
    this.#streams++;
    while (this.#windowBytes > leastBytes && this.#windowBytes * this.#streams > budgetBytes) {
      this.#announce(Math.max(leastBytes, this.#windowBytes >> 1));
    }
  }

  /** A stream is over. */
  remove(): void {
    this.#streams--;
    // Only when a quarter of the budget would do: a count that hovers at a step must not send SETTINGS.
    if (this.#windowBytes < this.#fullBytes && this.#windowBytes * 2 * this.#streams < budgetBytes / 4) {
      this.#announce(Math.min(this.#fullBytes, (this.#windowBytes + 1) << 1));
    }
  }

  /** RFC 9113, section 6.9.2: the change applies to the open streams as well. */
  #announce(windowBytes: number): void {
    this.#windowBytes = windowBytes;
    if (this.#session.destroyed || this.#session.closed) return;
    this.#session.settings({ initialWindowSize: windowBytes });
  }
}
