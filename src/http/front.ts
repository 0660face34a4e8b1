import { within } from '../core/deadline.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import type { Link } from '../core/link.ts';
import type { Http2Setup } from './h2-setup.ts';
import { Http1Exchange } from './h1-exchange.ts';
import { readHead } from './head.ts';
import { parseRequestHead } from './message.ts';
import { orRefuse } from './refuse-head.ts';
import { assertOneHost } from './request-target.ts';

const maxHeadBytes = 16 * 1024;

/** How an accepted Link is served. */
export interface FrontOptions {
  /** Time for the first request head, or for the beginning of HTTP/2, in milliseconds, counted once and not per byte. */
  readonly headMs: number;
  readonly http2: Http2Setup;
}

/** The connection preface of HTTP/2 as far as it looks like a head (RFC 9113, section 3.4). */
export const prefaceHead = Buffer.from('PRI * HTTP/2.0\r\n\r\n', 'latin1');

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
  onExchange: (exchange: TunnelExchange) => void,
): Promise<void> {
  if (link.peer.tls?.alpn === 'h2') return serveSession(link, options, draining, onExchange);
  return orRefuse(link, draining, async () => {
    const bytes = await readRequestBytes(link, options.headMs, draining);
    if (bytes.equals(prefaceHead)) {
      link.stream.unshift(bytes);
      return await serveSession(link, options, draining, onExchange);
    }
    const head = parseRequestHead(bytes);
    assertOneHost(head);
    onExchange(new Http1Exchange(link, head));
  });
}

async function serveSession(
  link: Link,
  { http2, headMs }: FrontOptions,
  draining: AbortSignal,
  onExchange: (exchange: TunnelExchange) => void,
): Promise<void> {
  const { serveHttp2 } = await import('./h2-front.ts');
  await serveHttp2(link, { ...http2, beginMs: headMs }, draining, onExchange);
}

function readRequestBytes({ stream }: Link, headMs: number, draining: AbortSignal): Promise<Buffer> {
  return within(
    { ms: headMs, phase: 'request', option: '--handshake-timeout', code: 'http_request_error' },
    draining,
    'the client did not send its request',
    (signal) => readHead(stream, maxHeadBytes, signal),
  );
}
