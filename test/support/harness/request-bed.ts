import { onTestFinished } from 'vitest';
import { Abort } from '../../../src/core/abort.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import { type Link, linkPair } from '../../../src/core/link.ts';
import { requestServerSetup } from '../../../src/http/h2/setup.ts';
import { type RequestProfile, serveRequests } from '../../../src/http/server/front.ts';
import { inTime } from '../eventually.ts';
import { RawPeer } from '../peers/raw-peer.ts';

const maxHeadBytes = 60 * 1024;

/** The options with which requests are served. */
export interface RequestBedOptions {
  readonly codec?: RequestProfile['codec'];
  readonly perConnection?: RequestProfile['perConnection'];
  readonly translatable?: boolean;
  readonly maxLineBytes?: number;
  readonly headMs?: number;
  readonly keepAliveMs?: number;
  readonly extendedConnect?: boolean;
  /** True if the client reads nothing until it is told to. */
  readonly reading?: boolean;
  /** Called with each request as it arrives; if absent, the test takes them one by one. */
  readonly onRequest?: (request: Exchange) => void;
}

/** A client at one end of an in-memory Link, and its requests at the other. */
export interface RequestBed {
  readonly client: RawPeer;
  /** The server's end. */
  readonly link: Link;
  /** Resolves once the connection is over. */
  readonly serving: Promise<void>;
  /** Waits for the next request. */
  take(): Promise<Exchange>;
  /** The number of requests so far. */
  count(): number;
  drain(): void;
}

/** Starts serving one connection. */
export function startRequestBed(options: RequestBedOptions = {}): RequestBed {
  const { codec = 'auto', perConnection = 'many', translatable = true } = options;
  const { headMs = 4000, keepAliveMs = 4000, maxLineBytes = maxHeadBytes } = options;
  const { extendedConnect = false, reading = true } = options;
  const [near, far] = linkPair({ first: { address: { kind: 'tcp', host: '192.0.2.1', port: 4711 } } });
  const draining = new Abort();
  const arrived: Exchange[] = [];
  const waiting: ((request: Exchange) => void)[] = [];
  let count = 0;
  const onRequest = (request: Exchange) => {
    count++;
    if (options.onRequest) return options.onRequest(request);
    const next = waiting.shift();
    if (next) next(request);
    else arrived.push(request);
  };
  const http2 = {
    ...requestServerSetup,
    streamWindowBytes: 65_536,
    sessionWindowBytes: 131_072,
    maxStreams: 100,
    maxHeaderBytes: maxHeadBytes,
    pingMs: 0,
    extendedConnect,
  };
  const http1 = { headMs, keepAliveMs, maxHeadBytes, maxLineBytes };
  const profile: RequestProfile = { codec, perConnection, translatable, http1, http2 };
  const serving = serveRequests(near, profile, draining.signal, onRequest);
  serving.catch(() => {});
  onTestFinished(() => near.reset(new Error('the test is over')));
  return {
    client: new RawPeer(far, { reading }),
    link: near,
    serving,
    take: () => {
      const request = arrived.shift();
      if (request) return Promise.resolve(request);
      return inTime('a request', new Promise((resolve) => waiting.push(resolve)));
    },
    count: () => count,
    drain: () => draining.abort(new Error('stopping')),
  };
}

/** Reads the whole body of a request as text. */
export async function readBody({ body }: Pick<Exchange, 'body'>): Promise<string> {
  const parts: Buffer[] = [];
  body.on('data', (part: Buffer) => parts.push(part));
  await inTime(
    'the end of the body',
    new Promise((resolve, reject) => {
      body.once('end', resolve).once('error', reject);
    }),
  );
  return Buffer.concat(parts).toString('latin1');
}
