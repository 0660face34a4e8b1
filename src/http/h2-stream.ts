import { constants, type Http2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { guardStream, type Link, type Peer, resetError } from '../core/link.ts';

/** How a Link over an HTTP/2 stream reads the codes of RST_STREAM. */
export interface Http2LinkOptions {
  /**
   * Codes that end a stream without being an abort. RFC 9113, section 8.5 knows none; HBONE peers
   * end tunnels with NO_ERROR and CANCEL.
   */
  readonly cleanResets: ReadonlySet<number>;
}

/**
 * A Link over an HTTP/2 stream that was opened with `waitForTrailers`:
 *
 *     end()    -> DATA with END_STREAM        END_STREAM in -> 'end'
 *     reset()  -> RST_STREAM(CONNECT_ERROR)   RST_STREAM in, or the session lost -> 'error'
 *                                             RST_STREAM with one of `cleanResets` -> 'end'
 *
 * Node by itself reports some resets, and the loss of the session, as a clean `'end'`.
 */
export function http2Link(
  stream: Http2Stream,
  peer: Peer,
  { cleanResets }: Http2LinkOptions,
  isAnswered: () => boolean,
  trailers: () => OutgoingHttpHeaders = noTrailers,
): Link {
  guardStream(stream);
  stream.once('wantTrailers', () => {
    // Without this call no END_STREAM is sent; with empty trailers it is an empty DATA frame.
    if (!stream.destroyed && !stream.closed) stream.sendTrailers(trailers());
  });
  const isClean = () => cleanResets.has(stream.rstCode ?? 0);
  interceptFalseEnd(stream, isClean, isAnswered);
  return { stream, peer, reset: () => resetHttp2Stream(stream) };
}

function noTrailers(): OutgoingHttpHeaders {
  return {};
}

/** Aborts a stream so that the peer sees RST_STREAM(CONNECT_ERROR) and no END_STREAM before it. */
function resetHttp2Stream(stream: Http2Stream): void {
  if (!stream.destroyed && !stream.closed) stream.close(constants.NGHTTP2_CONNECT_ERROR);
}

/**
 * Node ends the readable half of a stream when END_STREAM comes and again when the stream closes for
 * whatever reason, the writable half with it, and destroys it without an error for NO_ERROR and CANCEL.
 * An end that comes only with the closing is not one: bytes may be missing.
 */
function interceptFalseEnd(stream: Http2Stream, isClean: () => boolean, isAnswered: () => boolean): void {
  const push = stream.push.bind(stream);
  const destroy = stream.destroy.bind(stream);
  const makeError = () => resetError(`the stream was reset (${resetName(stream.rstCode)})`);
  let ended = false;
  let deferred = false;
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null || ended) return push(chunk, encoding);
    if (stream.closed && !isClean()) {
      // Not here: the code that pushes goes on with the stream as if it were still there.
      process.nextTick(() => stream.destroy(makeError()));
      return false;
    }
    ended = true;
    return push(chunk);
  };
  // What came before a reset that is an end is still to be read. A stream without an answer has no reader.
  const destroyAtEnd = () => {
    if (stream.destroyed || stream.readableEnded || !isAnswered()) return void destroy();
    stream.push(null);
    return void stream.once('end', () => destroy());
  };
  stream.destroy = (error) => {
    if (error || deferred || !stream.closed) return destroy(error);
    // Aborted: our half had not ended. Without END_STREAM, or with bytes of ours lost, it is no end.
    if (!isClean()) return destroy(stream.aborted || !ended ? makeError() : undefined);
    deferred = true;
    // The answer may have come in the same read as the reset; Node tells of it in the next tick.
    setImmediate(destroyAtEnd);
    return stream;
  };
}

/** RFC 9113, section 7, in order of their codes. */
const names = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of an HTTP/2 error code. */
export function resetName(code = 0): string {
  return names[code] ?? `code ${code}`;
}
