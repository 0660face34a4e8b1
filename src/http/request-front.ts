import { Abort } from '../core/abort.ts';
import { toTunlError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Link } from '../core/link.ts';
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
  /** Aborted when others serve new connections: each that is open ends after its next answer, and nothing is refused. */
  readonly retired?: AbortSignal;
}

/**
 * Turns the bytes of an accepted Link into requests: one after the other on an HTTP/1.1 connection, many at once
 * on an HTTP/2 connection. What is no request is answered here. Resolves when the connection has no more of them.
 * When `draining` aborts, the requests that run are the last.
 * @throws {TunlError} after it answered, when what came is not a request that can be served
 */
export async function serveRequests(
  link: Link,
  { codec, http1, http2, retired }: RequestFrontOptions,
  draining: AbortSignal,
  onRequest: (request: Exchange) => void,
): Promise<void> {
  const alpn = link.peer.tls?.alpn;
  const setup = { ...http2, beginMs: http1.headMs };
  const serveSession = () => untilEither(draining, retired, (ending) => serveHttp2(link, setup, ending, onRequest));
  if (codec === 'http2' || (codec === 'auto' && alpn === 'h2')) return serveSession();
  const head = await readFirstHead(link, http1, draining);
  if (codec === 'auto' && head.equals(prefaceHead)) {
    link.stream.unshift(head);
    return serveSession();
  }
  const isLast = () => draining.aborted || (retired?.aborted ?? false);
  return serveHttp1(link, { ...http1, isLast }, draining, onRequest, head);
}

/** Runs something with a signal that follows two others for as long as it runs. */
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

async function serveHttp2(
  link: Link,
  setup: Http2Setup,
  draining: AbortSignal,
  onRequest: (request: Exchange) => void,
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
