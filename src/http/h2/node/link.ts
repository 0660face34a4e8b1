import { constants, type Http2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { guardStream, type Link, type Peer, resetError } from '../../../core/link.ts';
import { errorName } from '../../../h2/codes.ts';
import type { Http2Setup } from '../setup.ts';

/**
 * A Link over an HTTP/2 stream that was opened with `waitForTrailers`:
 *
 *     end()    -> DATA with END_STREAM        END_STREAM in -> 'end'
 *     reset()  -> RST_STREAM(CONNECT_ERROR)   RST_STREAM in, or the session lost -> 'error'
 *                                             RST_STREAM with one of `cleanResets` -> 'end'
 *
 * A server that has ended its answer may reset what we still send (RFC 9113, section 8.1): then the answer is read to
 * its end all the same, and the Link takes nothing more. Only a code that tells of a failure is an error, after that end.
 * Node by itself reports some resets, and the loss of the session, as a clean `'end'`.
 */
export function http2Link(
  stream: Http2Stream,
  peer: Peer,
  { cleanResets }: Pick<Http2Setup, 'cleanResets'>,
  isAnswered: () => boolean,
  trailers: () => OutgoingHttpHeaders = noTrailers,
): Link {
  guardStream(stream);
  stream.once('wantTrailers', () => {
    // Without this call no END_STREAM is sent; with empty trailers it is an empty DATA frame.
    if (!stream.destroyed && !stream.closed) stream.sendTrailers(trailers());
  });
  const ending = new Ending(stream, cleanResets, isAnswered);
  return { stream, peer, reset: () => ending.reset() };
}

/** With these a server says that it has no use for what we still send. */
const noFailures: ReadonlySet<number> = new Set([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]);

function noTrailers(): OutgoingHttpHeaders {
  return {};
}

/**
 * Node ends the readable half of a stream when END_STREAM comes and again when the stream closes for
 * whatever reason, the writable half with it, and destroys it without an error for NO_ERROR and CANCEL.
 * An end that comes only with the closing is not one: bytes may be missing.
 */
class Ending {
  readonly #stream: Http2Stream;
  readonly #cleanResets: ReadonlySet<number>;
  readonly #isAnswered: () => boolean;
  readonly #isClient: boolean;
  readonly #push: Http2Stream['push'];
  readonly #destroy: Http2Stream['destroy'];
  /** END_STREAM has come, or what counts as one. */
  #ended = false;
  /** True while bytes that came before a reset are still being read. */
  #deferred = false;
  /** It was we who reset it. */
  #own = false;

  constructor(stream: Http2Stream, cleanResets: ReadonlySet<number>, isAnswered: () => boolean) {
    this.#stream = stream;
    this.#cleanResets = cleanResets;
    this.#isAnswered = isAnswered;
    this.#isClient = stream.session?.type === constants.NGHTTP2_SESSION_CLIENT;
    this.#push = stream.push.bind(stream);
    this.#destroy = stream.destroy.bind(stream);
    const close = stream.close.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => this.#onPush(chunk, encoding);
    stream.destroy = (error) => this.#onDestroy(error);
    stream.close = (...args) => {
      this.#own = true;
      close(...args);
    };
  }

  /** Aborts the stream so that the peer sees RST_STREAM(CONNECT_ERROR) and no END_STREAM before it. */
  reset(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (!stream.closed) stream.close(constants.NGHTTP2_CONNECT_ERROR);
    // The peer has closed it already, and who resets it does not read what is left.
    else if (!this.#own) this.#destroy(this.#makeError());
  }

  /** Everything came before it was closed. */
  get #isWhole(): boolean {
    const stream = this.#stream;
    if (!stream.closed) return false;
    return this.#cleanResets.has(stream.rstCode ?? 0) || (this.#isClient && this.#ended && !this.#own);
  }

  #makeError(): Error {
    return resetError(`the stream was reset (${errorName(this.#stream.rstCode)})`);
  }

  #onPush(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    if (chunk !== null || this.#ended) return this.#push(chunk, encoding);
    const stream = this.#stream;
    if (stream.closed && !this.#isWhole) {
      // Not here: the code that pushes goes on with the stream as if it were still there.
      process.nextTick(() => stream.destroy(this.#makeError()));
      return false;
    }
    this.#ended = true;
    return this.#push(chunk);
  }

  #onDestroy(error: Error | undefined): Http2Stream {
    const stream = this.#stream;
    if (error || this.#deferred || !stream.closed) return this.#destroy(error);
    // Aborted: our half had not ended. Without END_STREAM, or with bytes of ours lost, it is no end.
    if (!this.#isWhole) return this.#destroy(stream.aborted || !this.#ended ? this.#makeError() : undefined);
    this.#deferred = true;
    // The answer may have come in the same read as the reset; Node tells of it in the next tick.
    setImmediate(() => this.#destroyAtEnd());
    return stream;
  }

  /** Keeps the stream until its reader has taken what came before a reset that is an end. A stream without an answer has no reader. */
  #destroyAtEnd(): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.readableEnded || !this.#isAnswered()) return this.#settle();
    stream.push(null);
    stream.once('end', () => this.#settle());
  }

  /** A failure, or an end that took bytes of ours along, is still told. */
  #settle(): void {
    const stream = this.#stream;
    const isClean = stream.writableFinished && noFailures.has(stream.rstCode ?? 0);
    this.#destroy(isClean ? undefined : this.#makeError());
  }
}
