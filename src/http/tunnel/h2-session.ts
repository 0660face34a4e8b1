import { type AuthFields, proxyAuth } from '../../auth/model/fields.ts';
import { type Address, formatAddress, formatHostPort, type TcpAddress } from '../../core/address.ts';
import type { HopSetting, ReachedLink, Session } from '../../core/carrier.ts';
import type { DialContext } from '../../core/dialer.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import { type HalfClose, type HeaderField, type Hop, securedScheme } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { type Asked, type Call, isSuccess, type Opens, type Reply } from '../call.ts';
import { type Frame, frameOpened } from './framed.ts';
import { readHalfClose, withHalfClose } from './half-close.ts';
import type { callHttp2 } from '../h2/call.ts';
import { errorCodes } from '../../h2/codes.ts';
import { clientSetup, type Http2Setup } from '../h2/setup.ts';
import type { ClientSession } from '../h2/sessions/client.ts';
import { findFirstFields, type FirstFields, isFinal, tellAnswer } from '../login/first-fields.ts';
import { goDownTo, mayNeedOlder } from './hop-versions.ts';
import type { Negotiated } from '../login/negotiate.ts';
import { assertTunnelled, requestFields, userAgent } from './request-fields.ts';
import { readRefusalBody } from './refusal-body.ts';
import type { RefusalMeaning } from './refusal.ts';
import { toResponseHead } from '../wire/message.ts';

/** Settings that every carrier over HTTP/2 has. */
export const http2Settings: readonly HopSetting[] = [
  numberSetting('max-streams', 'tunnels in one session', 1, 100_000),
  numberSetting('window', 'bytes that a tunnel may have on the way to us', 65_535, 2 ** 30),
  numberSetting('ping', 'seconds between PINGs, 0 for none', 0, 3600),
];

function numberSetting(name: string, summary: string, least: number, most: number): HopSetting {
  const parse = (value: string): string => {
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= least && parsed <= most) return value;
    throw usageError(`?${name}=${value} is not a number from ${least} to ${most}`);
  };
  return { name, summary, parse };
}

/** The request of a carrier for a tunnel over HTTP/2, and the answers that open it. */
export interface Http2Terms {
  readonly method: string;
  /** Path of the request; absent where the target stands in its place. */
  readonly requestTarget?: (target: TcpAddress, hop: Hop) => string;
  readonly opens: Opens;
  /** The `:authority` of the request; if absent, the address of the tunnel. */
  readonly host?: (hop: Hop) => string;
  /** Absent if the bytes of the stream are those of the tunnel. */
  readonly frame?: Frame;
  /** Fields beside those that every carrier sends. */
  readonly fields: (hop: Hop, ctx: DialContext) => readonly HeaderField[];
  /** How the hop asks who we are; absent if it is not told. */
  readonly asks?: AuthFields;
  /** When our end goes out where neither the user nor the answer says it. */
  readonly halfClose: HalfClose;
  /** `none` where peers expect nothing but the fields above. */
  readonly userAgent?: 'none';
  /** The meaning of a refusal of this kind of peer, if it differs from that of HTTP. */
  readonly meaningOf?: (status: number) => RefusalMeaning | undefined;
  /** Whether the hop may be asked in HTTP/1.1 instead. */
  readonly older?: boolean;
  /** Differences in how the session is set up. */
  readonly client?: Partial<Http2Setup>;
}

/** CONNECT; any 2xx opens the tunnel (RFC 9110, section 9.3.6), but a 204. */
export const connectTerms: Http2Terms = {
  method: 'CONNECT',
  // A 204 has no content: a peer may reset a stream that has bytes after it, and the tunnel would break with the first.
  opens: { kind: 'connect', isAccepted: (status) => isSuccess(status) && status !== 204 },
  fields: () => [],
  asks: proxyAuth,
  halfClose: 'wait',
};

/**
 * Starts an HTTP/2 session on a Link to the hop.
 * @throws {TunlError} http_protocol_error when the hop does not speak HTTP/2
 */
export async function openHttp2Session(
  link: ReachedLink,
  hop: Hop,
  ctx: DialContext,
  terms: Http2Terms,
): Promise<Session> {
  const proxy = formatAddress(hop.address);
  assertAlpn(link, proxy, hop);
  // Loaded by those who need it: HTTP/2 costs a fifth of the start of a plain `connect`.
  const [{ openSession }, { callHttp2 }] = await Promise.all([
    import('../h2/sessions/client.ts'),
    import('../h2/call.ts'),
  ]);
  const started = performance.now();
  try {
    const client = await openSession(link, clientOptions(hop, terms), ctx.signal);
    ctx.onProgress?.({ phase: 'handshake', detail: `HTTP/2, ${client.settings}`, ms: performance.now() - started });
    return new Http2Session(client, callHttp2, hop, terms);
  } catch (error) {
    link.reset(new Error('no HTTP/2'));
    if (!(error instanceof TunlError && error.phase === 'handshake' && error.side === 'hop')) throw error;
    const named = error.with({}, `${proxy} ${error.message}`).withHints(...olderHints(link, hop));
    throw terms.older && wantsOlder(error, terms) ? goDown(named, hop) : named;
  }
}

const alpnHint = 'without alpn=h2 it is asked in HTTP/1.1';

/** True for a failure that the hop may not have in HTTP/1.1. */
function wantsOlder({ code, facts }: TunlError, { opens }: Http2Terms): boolean {
  const { resetCode, received } = facts;
  return code === 'http_upgrade_failed' || resetCode === errorCodes.http11Required || mayNeedOlder(received, opens);
}

/** The failure, after which the hop is asked in HTTP/1.1. */
function goDown(error: TunlError, hop: Hop): TunlError {
  goDownTo('1.1', hop);
  return error.with({ outdated: true });
}

function assertAlpn(link: Link, proxy: string, hop: Hop): void {
  const { tls } = link.peer;
  if (!tls || tls.alpn === 'h2') return;
  link.reset(new Error('no HTTP/2'));
  const hint = hop.tls.alpn === 'h2' ? alpnHint : 'https:// takes whatever the proxy speaks';
  const message = `${proxy} does not speak HTTP/2 (it chose ${tls.alpn ?? 'no protocol'} by ALPN)`;
  throw new TunlError('http_protocol_error', message, { hints: [hint] });
}

/** Over TLS the protocol was agreed on; in cleartext the other side may have been asked in the wrong one. */
function olderHints({ peer }: Link, { scheme }: Hop): string[] {
  return peer.tls ? [] : [`if it speaks HTTP/1.1 only: ${scheme.replace('h2c', 'http')}:// instead of ${scheme}://`];
}

function clientOptions({ settings }: Hop, { client }: Http2Terms): Http2Setup {
  const read = (name: string, usual: number) => Number(settings[name] ?? usual);
  const window = read('window', clientSetup.streamWindowBytes);
  return {
    ...clientSetup,
    streamWindowBytes: window,
    sessionWindowBytes: Math.max(4 * window, clientSetup.sessionWindowBytes),
    maxStreams: read('max-streams', clientSetup.maxStreams),
    pingMs: read('ping', clientSetup.pingMs / 1000) * 1000,
    ...client,
  };
}

class Http2Session implements Session {
  readonly #client: ClientSession;
  readonly #call: typeof callHttp2;
  #hop: Hop;
  readonly #terms: Http2Terms;
  /** A tunnel was opened in it: what it refuses later is not refused for its version. */
  #hasOpened = false;
  /** The tunnels that are asked for by a negotiation, which may have no stream at the moment. */
  #preparing = 0;
  readonly #name: string;
  readonly #scheme: 'http' | 'https';
  /** The last request: most sessions have many tunnels to the same target. */
  #last: TargetRequest | undefined;

  constructor(client: ClientSession, call: typeof callHttp2, hop: Hop, terms: Http2Terms) {
    this.#client = client;
    this.#call = call;
    this.#hop = hop;
    this.#terms = terms;
    this.#name = formatAddress(hop.address);
    this.#scheme = securedScheme(hop.scheme) === undefined ? 'https' : 'http';
  }

  get capacity(): number {
    return this.#client.capacity;
  }

  get load(): number {
    return this.#client.load + this.#preparing;
  }

  get usable(): boolean {
    return this.#client.usable;
  }

  adopt(hop: Hop): void {
    this.#hop = hop;
  }

  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const first = findFirstFields(this.#hop, this.#terms.asks, ctx);
    const request = this.#requestFor(address);
    let negotiated: Negotiated;
    try {
      const asked = first.isReady ? await this.#send(request, ctx, first.fields) : undefined;
      if (asked) tellAnswer(ctx, asked, this.#terms.asks);
      const isOver = asked !== undefined && isFinal(asked, first);
      negotiated = isOver ? { reply: asked } : await this.#negotiate(request, ctx, first, asked);
    } catch (error) {
      throw this.#goDown(error);
    }
    const { reply, isOlder } = negotiated;
    const head = toResponseHead(reply);
    if (reply.link) {
      this.#hasOpened = true;
      const link = frameOpened(this.#terms.frame, reply.link, head, this.#hop);
      return withHalfClose(link, readHalfClose(this.#hop, reply.headers, this.#terms.halfClose));
    }
    const [body, { leaveBody, refusalError }] = await Promise.all([
      readRefusalBody(reply.body, head),
      import('./unopened.ts'),
    ]);
    leaveBody(reply);
    const meaning = this.#terms.meaningOf?.(head.status);
    const refusal = { hop: this.#hop, method: this.#terms.method, address, ctx, head, body, negotiated };
    const error = refusalError({ ...refusal, ...(meaning && { meaning }) });
    if (!isOlder) throw this.#goDown(error);
    void this.#client.close('drain');
    throw goDown(error, this.#hop);
  }

  close(mode: 'drain' | 'now'): Promise<void> {
    return this.#client.close(mode);
  }

  /** Asks as often as the hop asks who we are. `asked` is the answer to the first request, if it was sent. */
  async #negotiate(
    asking: TargetRequest,
    ctx: DialContext,
    { asks = proxyAuth, fields }: FirstFields,
    asked: Reply | undefined,
  ): Promise<Negotiated> {
    const { method, older } = this.#terms;
    this.#preparing++;
    try {
      const { isOpened, negotiate, streamConnection } = await import('./unopened.ts');
      const bound = older ? 'older' : 'skip';
      const request = { hop: this.#hop, method, target: asking.target, signal: ctx.signal };
      const send = async (given: readonly HeaderField[]) =>
        tellAnswer(ctx, await this.#send(asking, ctx, given), this.#terms.asks);
      const terms = { ...request, asks, bound, isAccepted: isOpened } as const;
      return await negotiate(terms, streamConnection(send), ctx, undefined, asked && { reply: asked, fields });
    } finally {
      this.#preparing--;
    }
  }

  /** @throws {TunlError} usage for an address that no proxy can be asked for */
  #requestFor(address: Address): TargetRequest {
    if (this.#last?.address === address) return this.#last;
    const { method, host, requestTarget } = this.#terms;
    const tunnelled = assertTunnelled(address);
    const place = formatHostPort(tunnelled.host, tunnelled.port);
    this.#last = {
      address,
      target: requestTarget?.(tunnelled, this.#hop) ?? place,
      authority: host?.(this.#hop) ?? place,
      asked: { name: this.#name, what: `${method} ${place}`, side: 'hop', phase: 'handshake' },
    };
    return this.#last;
  }

  /** Lets what is open in it live on, and asks in HTTP/1.1 from now on, where that may be what the hop wants. */
  #goDown(error: unknown): unknown {
    if (this.#hasOpened || !(error instanceof TunlError && wantsOlder(error, this.#terms))) return error;
    if (!this.#terms.older) return this.#hop.tls.alpn === 'h2' ? error.withHints(alpnHint) : error;
    void this.#client.close('drain');
    return goDown(error, this.#hop);
  }

  #send({ target, authority, asked }: TargetRequest, ctx: DialContext, login: readonly HeaderField[]): Promise<Reply> {
    const { method, opens, fields, userAgent: named } = this.#terms;
    const own = [...login, ...fields(this.#hop, ctx)];
    const headers = requestFields(this.#hop, ctx, named === 'none' ? own : [userAgent, ...own]);
    const { onTrailers: tell } = ctx;
    const onTrailers = tell && ((trailers: readonly HeaderField[]) => tell({ fields: trailers }));
    const call = { method, target, authority, scheme: this.#scheme, headers, opens, onTrailers };
    return this.#call(this.#client, call, asked, ctx.signal);
  }
}

/** What all requests for the tunnels to one target have in common. */
interface TargetRequest extends Pick<Call, 'target' | 'authority'> {
  readonly address: Address;
  /** How failures name the hop and the request. */
  readonly asked: Asked;
}
