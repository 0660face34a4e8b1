import { constants, type Http2Session, type Http2Stream } from 'node:http2';
import { resetError } from '../../../core/link.ts';

/** Bytes that the streams of one session may have on the way to us, all together. */
const budgetBytes = 64 * 1024 * 1024;

/** Bytes that they may have here while the peer has not acknowledged its smaller windows. */
const mostKeptBytes = 2 * budgetBytes;

/** How often that is looked at. */
const lookMs = 50;

/** The window that HTTP/2 starts with, in bytes; a smaller one would slow a stream down for no reason. */
const leastBytes = 65_535;

/**
 * Keeps what slow readers on one session can pile up within a budget. Node gives the connection's
 * window back at once, so that one stalled stream does not stop its neighbours; what limits memory
 * is the stream windows alone. They shrink as streams are added and grow back when most are gone. A
 * peer that will not have it so, and sends on, loses its session.
 */
export class WindowBudget {
  readonly #session: Http2Session;
  readonly #fullBytes: number;
  readonly #streams = new Set<Http2Stream>();
  #windowBytes: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Http2Session, fullBytes: number) {
    this.#session = session;
    this.#fullBytes = fullBytes;
    this.#windowBytes = fullBytes;
  }

  /** A stream was opened. */
  add(stream: Http2Stream): void {
    this.#streams.add(stream);
    while (this.#windowBytes > leastBytes && this.#windowBytes * this.#streams.size > budgetBytes) {
      this.#announce(Math.max(leastBytes, this.#windowBytes >> 1));
      this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
    }
  }

  /** A stream is over. */
  remove(stream: Http2Stream): void {
    this.#streams.delete(stream);
    // Only when a quarter of the budget would do: a count that hovers at a step must not send SETTINGS.
    if (this.#windowBytes < this.#fullBytes && this.#windowBytes * 2 * this.#streams.size < budgetBytes / 4) {
      this.#announce(Math.min(this.#fullBytes, (this.#windowBytes + 1) << 1));
    }
  }

  /** RFC 9113, section 6.9.2: the change applies to the open streams as well. */
  #announce(windowBytes: number): void {
    this.#windowBytes = windowBytes;
    if (this.#session.destroyed || this.#session.closed) return;
    this.#session.settings({ initialWindowSize: windowBytes });
  }

  /** Until the peer acknowledges smaller windows, nothing holds it to them. */
  #look(): void {
    const session = this.#session;
    let kept = 0;
    for (const { readableLength } of this.#streams) kept += readableLength;
    if (kept > mostKeptBytes) {
      const error = resetError('it ignores that its windows have shrunk');
      session.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (session.destroyed || !session.pendingSettingsAck) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
