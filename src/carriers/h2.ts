import { type Address, formatAddress, formatHostPort } from '../core/address.ts';
import type { Carrier, HopSetting, ReachedLink, Session } from '../core/carrier.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError, usageError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import type { Link } from '../core/link.ts';
import { version } from '../core/version.ts';
import { basicField } from '../http/credentials.ts';
import type { Http2Client, Http2ClientOptions } from '../http/h2-client.ts';
import { readRefusalBody, refusalError } from '../http/refusal.ts';

/** Numbers of Istio's ztunnel; the connection window is never equal to the stream's. */
const streamWindowBytes = 4 * 1024 * 1024;
const sessionWindowBytes = 4 * streamWindowBytes;
const maxStreams = 100;
const pingMs = 10_000;

const number = (name: string, summary: string, least: number, most: number): HopSetting => ({
  name,
  summary,
  parse: (value) => {
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= least && parsed <= most) return value;
    throw usageError(`?${name}=${value} is not a number from ${least} to ${most}`);
  },
});

/** Settings that every carrier over HTTP/2 has. */
export const http2Settings: readonly HopSetting[] = [
  number('max-streams', 'tunnels in one session', 1, 100_000),
  number('window', 'bytes that a tunnel may have on the way to us', 65_535, 2 ** 30),
  number('ping', 'seconds between PINGs, 0 for none', 0, 3600),
];

/** CONNECT over HTTP/2 (RFC 9113, section 8.5): one connection to the proxy, many tunnels in it. */
export const h2: Carrier = {
  name: 'h2',
  schemes: [
    { scheme: 'h2', defaultPort: 443, tls: { alpn: ['h2'] }, summary: 'CONNECT over HTTP/2 in TLS' },
    { scheme: 'h2c', defaultPort: 80, summary: 'CONNECT over HTTP/2 in cleartext' },
  ],
  settings: http2Settings,
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop, ctx) => openHttp2(await reach({ form: 'tunnel' }), hop, ctx),
};

/**
 * Starts an HTTP/2 session for CONNECT on a Link to the hop.
 * @throws {TunlError} http_protocol_error when the hop does not speak HTTP/2
 */
export async function openHttp2(link: ReachedLink, hop: Hop, ctx: DialContext): Promise<Session> {
  const { client } = await openHttp2Client(link, hop, ctx);
  return new Http2Session(client, hop);
}

/** The HTTP/2 client itself, for carriers that send other requests than CONNECT. */
export async function openHttp2Client(
  link: ReachedLink,
  hop: Hop,
  ctx: DialContext,
  overrides: Partial<Http2ClientOptions> = {},
): Promise<{ client: Http2Client }> {
  const { alpn } = link.peer.tls ?? {};
  const proxy = formatHostPort(hop.address.host, hop.address.port);
  if (link.peer.tls && alpn !== 'h2') {
    link.reset(new Error('no HTTP/2'));
    throw new TunlError('http_protocol_error', `${proxy} does not speak HTTP/2 (it chose ${alpn ?? 'no protocol'} by ALPN)`, {
      hints: ['https:// takes whatever the proxy speaks'],
    });
  }
  // Loaded by those who need it: HTTP/2 costs a fifth of the start of a plain `connect`.
  const { Http2Client: Client } = await import('../http/h2-client.ts');
  const { settings } = hop;
  const window = Number(settings['window'] ?? streamWindowBytes);
  const options: Http2ClientOptions = {
    streamWindowBytes: window,
    sessionWindowBytes: Math.max(4 * window, sessionWindowBytes),
    maxStreams: Number(settings['max-streams'] ?? maxStreams),
    maxHeaderBytes: 16 * 1024,
    pingMs: settings['ping'] === undefined ? pingMs : Number(settings['ping']) * 1000,
    cleanResets: new Set(),
    ...overrides,
  };
  const started = performance.now();
  try {
    const client = await Client.open(link, options, ctx.signal);
    ctx.onProgress?.({ phase: 'handshake', detail: `HTTP/2, ${client.settings}`, ms: performance.now() - started });
    return { client };
  } catch (error) {
    link.reset(new Error('no HTTP/2'));
    throw error instanceof TunlError && error.side === 'hop' ? error.with({}, `${proxy}: ${error.message}`) : error;
  }
}

class Http2Session implements Session {
  readonly #client: Http2Client;
  readonly #hop: Hop;

  constructor(client: Http2Client, hop: Hop) {
    this.#client = client;
    this.#hop = hop;
  }

  get capacity(): number {
    return this.#client.capacity;
  }

  get load(): number {
    return this.#client.load;
  }

  get usable(): boolean {
    return this.#client.usable;
  }

  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const { head, stream, link } = await this.#client.request(formatConnect(address, this.#hop, ctx), ctx.signal);
    if (head.status >= 200 && head.status < 300) return link;
    const body = await readRefusalBody(stream, head);
    // An orderly end: a reset would count against the session.
    stream.end();
    stream.resume();
    throw refusalError(this.#hop, address, ctx, head, body);
  }

  close(mode: 'drain' | 'now'): Promise<void> {
    return this.#client.close(mode);
  }
}

function formatConnect(address: Address, hop: Hop, ctx: DialContext): Record<string, string | string[]> {
  if (address.kind !== 'tcp') {
    throw new TunlError('usage', `${formatAddress(address)} cannot be reached through a proxy`);
  }
  const headers: Record<string, string | string[]> = {
    ':method': 'CONNECT',
    ':authority': formatHostPort(address.host, address.port),
    'user-agent': `tunl/${version}`,
  };
  const fields = [
    ...(hop.credentials ? [basicField(hop.credentials)] : []),
    ...(ctx.origin.via ?? []).map((value) => ['via', value] as const),
    ...hop.headers,
  ];
  for (const [field, value] of fields) {
    const name = field.toLowerCase();
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat();
  }
  return headers;
}
