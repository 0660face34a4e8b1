import type { Exchange } from '../../core/exchange.ts';
import type { Link } from '../../core/link.ts';
import { acceptStreams } from './sessions/server.ts';
import { Http2Request } from './request.ts';
import type { Http2Setup } from './setup.ts';

/**
 * Serves HTTP/2 on an accepted Link: each stream is one request, handed over once nothing in the same read has cancelled it.
 * Resolves once the session is over. When `draining` aborts, the peer is told to open no more streams and the open ones finish.
 */
export function serveHttp2(
  link: Link,
  options: Http2Setup,
  draining: AbortSignal,
  onRequest: (request: Exchange) => void,
): Promise<void> {
  let asked: Http2Request[] = [];
  const handOver = () => {
    const requests = asked;
    asked = [];
    for (const request of requests) if (!request.gone.aborted) onRequest(request);
  };
  return acceptStreams(link, options, draining, (stream) => {
    // A reset in the same read cancels the exchange before anything is dialled for it.
    if (asked.push(new Http2Request(stream, link.peer)) === 1) setImmediate(handOver);
  });
}
