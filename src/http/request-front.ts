import { toTunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import type { HttpRequest } from '../core/request.ts';
import { prefaceHead } from './front.ts';
import { type Http1Setup, readFirstHead, serveHttp1 } from './h1-connection.ts';
import type { Http2Setup } from './h2-setup.ts';
import { assertTranslatable } from './h2-validity.ts';
import { rejectExchange } from './tunnel-request.ts';

/** How a Link with requests is served. */
export interface RequestFrontOptions {
  /** `auto`: both, told apart by ALPN or the first bytes. */
  readonly codec: 'auto' | 'http1' | 'http2';
  readonly http1: Http1Setup;
  readonly http2: Http2Setup;
}

/**
 * Turns the bytes of an accepted Link into requests: one after the other on an HTTP/1.1 connection, many at once
 * on an HTTP/2 connection. What is no request is answered here. Resolves when the connection has no more of them.
 * When `draining` aborts, the requests that run are the last.
 * @throws {TunlError} after it answered, when what came is not a request that can be served
 */
export async function serveRequests(
  link: Link,
  { codec, http1, http2 }: RequestFrontOptions,
  draining: AbortSignal,
  onRequest: (request: HttpRequest) => void,
): Promise<void> {
  const alpn = link.peer.tls?.alpn;
  if (codec === 'http2' || (codec === 'auto' && alpn === 'h2')) return serveHttp2(link, http2, draining, onRequest);
  const head = await readFirstHead(link, http1, draining);
  if (codec === 'auto' && head.equals(prefaceHead)) {
    link.stream.unshift(head);
    return serveHttp2(link, http2, draining, onRequest);
  }
  return serveHttp1(link, http1, draining, onRequest, head);
}

async function serveHttp2(
  link: Link,
  setup: Http2Setup,
  draining: AbortSignal,
  onRequest: (request: HttpRequest) => void,
): Promise<void> {
  const [{ serveStreams }, { Http2Request }] = await Promise.all([import('./h2-front.ts'), import('./h2-request.ts')]);
  await serveStreams<InstanceType<typeof Http2Request>>(
    link,
    setup,
    draining,
    (request) => {
      try {
        assertTranslatable(request, setup.maxHeaderBytes);
      } catch (error) {
        return void rejectExchange(request, toTunlError(error));
      }
      onRequest(request);
    },
    (stream, headers, fields) => new Http2Request(stream, headers, fields, link.peer, setup),
  );
}
