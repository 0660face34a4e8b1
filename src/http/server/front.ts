import { Abort } from '../../core/abort.ts';
import { toTunlError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Link } from '../../core/link.ts';
import { type Http1Setup, serveHttp1 } from '../h1/connection.ts';
import type { AnswerFault } from '../h1/refuse-head.ts';
import type { Http2Setup } from '../h2/setup.ts';
import { assertTranslatable } from '../h2/validity.ts';
import { rejectExchange } from './tunnel-request.ts';

/** Decides how the requests of a Link are read. */
export interface RequestProfile {
  /** `auto` accepts both and tells them apart by ALPN or by the first bytes. */
  readonly codec: 'auto' | 'http1' | 'http2';
  /** Whether the first request of an HTTP/1.1 connection is the last. */
  readonly perConnection: 'one' | 'many';
  /**
   * Whether each request must mean the same in the other version of HTTP, because it may be forwarded in that version;
   * a request that does not is refused. If false, the code that handles the request checks targets and lengths.
   */
  readonly translatable: boolean;
  readonly http1: Http1Setup;
  readonly http2: Http2Setup;
  /**
   * Aborted when a newer generation serves new connections: each open connection ends after its next answer, and
   * nothing is refused.
   */
  readonly retired?: AbortSignal;
  /** Makes the answer to what cannot be served as a request; absent for the usual one. */
  readonly answerFault?: AnswerFault;
}

/** The connection preface of HTTP/2 as far as it looks like a head (RFC 9113, section 3.4). */
const prefaceHead = Buffer.from('PRI * HTTP/2.0\r\n\r\n', 'latin1');

/**
 * Turns the bytes of an accepted Link into requests: one after the other on an HTTP/1.1 connection, many at once on an
 * HTTP/2 connection. Bytes that are not a valid request are answered here. Resolves when the connection has no more
 * requests. When `draining` aborts, a Link that has not sent a request is closed, and the requests in progress are the
 * last.
 * @throws {TunlError} if the client did not send a request that can be served; the client has been answered by then
 */
export function serveRequests(
  link: Link,
  profile: RequestProfile,
  draining: AbortSignal,
  onRequest: (request: Exchange) => void,
): Promise<void> {
  const { codec, perConnection, translatable, http1, retired, answerFault } = profile;
  const alpn = link.peer.tls?.alpn;
  const serveStreams = () => untilEither(draining, retired, (ending) => serveSession(link, profile, ending, onRequest));
  if (codec === 'http2' || (codec === 'auto' && alpn === 'h2')) return serveStreams();
  const isLast = (isHeld: boolean) =>
    perConnection === 'one' || (draining.aborted && !isHeld) || (retired?.aborted ?? false);
  const { headMs, keepAliveMs, maxHeadBytes, maxLineBytes } = http1;
  const other = codec === 'auto' ? prefaceHead : undefined;
  const setup = { headMs, keepAliveMs, maxHeadBytes, maxLineBytes, translatable, isLast, other, answerFault };
  return new Promise((resolve, reject) =>
    serveHttp1(link, setup, draining, {
      onRequest,
      onOver: resolve,
      onFault: reject,
      onOther: () => resolve(serveStreams()),
    }),
  );
}

/**
 * Runs a function with a signal that aborts when either of two signals does, and stops listening to them afterwards.
 */
async function untilEither(
  first: AbortSignal,
  second: AbortSignal | undefined,
  run: (either: AbortSignal) => Promise<void>,
): Promise<void> {
  if (!second) return run(first);
  const either = new Abort();
  const signals = [first, second];
  const onAbort = () => either.abort(signals.find(({ aborted }) => aborted)?.reason);
  if (signals.some(({ aborted }) => aborted)) onAbort();
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  try {
    await run(either.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
  }
}

async function serveSession(
  link: Link,
  { http1, http2, translatable, answerFault }: RequestProfile,
  ending: AbortSignal,
  onRequest: (request: Exchange) => void,
): Promise<void> {
  const { serveHttp2 } = await import('../h2/server.ts');
  const takeTranslatable = (request: Exchange) => {
    try {
      assertTranslatable(request);
    } catch (error) {
      const failure = toTunlError(error);
      if (!answerFault) return void rejectExchange(request, failure);
      const { status, fields, body } = answerFault(failure, request.peer);
      return void request.respond(status, fields, body);
    }
    onRequest(request);
  };
  const setup = { ...http2, beginMs: http1.headMs };
  await serveHttp2(link, setup, ending, translatable ? takeTranslatable : onRequest);
}
