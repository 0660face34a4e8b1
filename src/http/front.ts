import type { Exchange } from '../core/carrier.ts';
import { within } from '../core/deadline.ts';
import { statusOf, TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import type { Http2Setup } from './h2-setup.ts';
import { HeadError, readHead, requestHeadError } from './head.ts';
import { formatProxyStatus, publicReason } from './proxy-status.ts';
import { Http1Exchange, respondAndClose } from './h1-exchange.ts';
import { fieldValues, parseRequestHead, type RequestHead } from './message.ts';

const maxHeadBytes = 16 * 1024;

/** How an accepted Link is served. */
export interface FrontOptions {
  /** Time for the first request head, in milliseconds, counted once and not per byte. */
  readonly headMs: number;
  readonly http2: Http2Setup;
}

/** The connection preface of HTTP/2 as far as it looks like a head (RFC 9113, section 3.4). */
const prefaceHead = Buffer.from('PRI * HTTP/2.0\r\n\r\n', 'latin1');

/**
 * Turns the bytes of an accepted Link into exchanges: many on an HTTP/2 connection, known by ALPN or
 * by its first bytes, one on an HTTP/1.1 connection. Resolves when the front has done its part.
 * When `draining` aborts, a Link that has not asked for anything is closed.
 * @throws {TunlError} after it answered, when what came is not a request that can be served
 */
export async function serveFront(
  link: Link,
  options: FrontOptions,
  draining: AbortSignal,
  onExchange: (exchange: Exchange) => void,
): Promise<void> {
  if (link.peer.tls?.alpn === 'h2') return serveSession(link, options, draining, onExchange);
  try {
    const bytes = await readRequestBytes(link, options.headMs, draining);
    if (bytes.equals(prefaceHead)) {
      link.stream.unshift(bytes);
      return await serveSession(link, options, draining, onExchange);
    }
    const head = parseRequestHead(bytes);
    assertOneHost(head);
    onExchange(new Http1Exchange(link, head));
  } catch (error) {
    const failure = toRequestError(error);
    if (draining.aborted || failure.code === 'connection_terminated') link.reset(failure);
    else await respondAndClose(link, statusOf(failure), [formatProxyStatus(failure)], publicReason(failure));
    throw failure;
  }
}

async function serveSession(
  link: Link,
  { http2 }: FrontOptions,
  draining: AbortSignal,
  onExchange: (exchange: Exchange) => void,
): Promise<void> {
  const { serveHttp2 } = await import('./h2-front.ts');
  await serveHttp2(link, http2, draining, onExchange);
}

function readRequestBytes({ stream }: Link, headMs: number, draining: AbortSignal): Promise<Buffer> {
  return within(
    { ms: headMs, phase: 'request', option: '--handshake-timeout', code: 'http_request_error' },
    draining,
    'the client did not send its request',
    (signal) => readHead(stream, maxHeadBytes, signal),
  );
}

function toRequestError(error: unknown): TunlError {
  if (error instanceof HeadError) return requestHeadError(error);
  if (!(error instanceof TunlError)) throw error;
  const timedOut = error.phase === 'request' && error.facts.status === undefined && error.side === 'self';
  return timedOut ? error.with({ status: 408 }) : error;
}

/**
 * Exactly one well-formed Host in HTTP/1.1 (RFC 9112, section 3.2). Its value is not compared with
 * the target: real clients send the proxy's own name or leave the port out.
 */
function assertOneHost(head: RequestHead): void {
  const hosts = fieldValues(head.headers, 'host');
  const fault =
    hosts.length > 1
      ? 'the request has more than one Host field'
      : hosts.length === 0 && head.version === '1.1'
        ? 'the request has no Host field'
        : hosts.some((host) => !/^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/.test(host))
          ? 'the Host field is not valid'
          : undefined;
  if (fault) throw new TunlError('http_request_error', fault, { side: 'client', phase: 'request' });
}
