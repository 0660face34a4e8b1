import { type AuthFields, proxyAuth } from '../../auth/model/fields.ts';
import { type Address, formatAddress, formatHostPort, type TcpAddress } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import type { TunlError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import type { HalfCloseTerms, Link } from '../../core/link.ts';
import type { Call, Opens, Reply } from '../call.ts';
import { openHttp1 } from '../h1/ask.ts';
import type { Http1Peer } from '../h1/peer.ts';
import { lastChunk } from '../wire/chunked.ts';
import { type ResponseHead, toResponseHead } from '../wire/message.ts';
import { answerPrefix, maxHeadBytes, readProxyAnswer } from '../wire/proxy-answer.ts';
import { recogniseForeign, silentHints } from './foreign.ts';
import { type Frame, frameOpened } from './framed.ts';
import { readHalfClose, withHalfClose } from './half-close.ts';
import { forgetVersion, goDownTo, highestVersion, mayNeedOlder } from './hop-versions.ts';
import { readRefusalBody } from './refusal-body.ts';
import { findFirstFields, type FirstFields, isFinal, tellAnswer } from '../login/first-fields.ts';
import type { Negotiated } from '../login/negotiate.ts';
import { OneTunnelSession } from './one-tunnel.ts';
import { assertTunnelled, http1Fields, userAgent } from './request-fields.ts';
import { formatStatusLine, hasPageHead } from './web-answer.ts';

/** The request of a carrier for a tunnel over HTTP/1.1, and the answers that open it. */
export interface Http1TunnelTerms {
  readonly method: string;
  /** Target of the request; absent where the address of the tunnel stands in its place. */
  readonly requestTarget?: (target: TcpAddress, hop: Hop) => string;
  readonly opens: Opens;
  /** The `Host` of the request; if absent, the address of the tunnel. */
  readonly host?: (hop: Hop) => string;
  /** Absent if the bytes of the connection are those of the tunnel. */
  readonly frame?: Frame;
  /** Fields beside Host and those that every carrier sends. */
  readonly fields: (hop: Hop) => readonly HeaderField[];
  /** How the hop asks who we are; absent if it is not told. */
  readonly asks?: AuthFields;
}

/** Makes another connection to a hop, for the tunnel that is being opened. */
export type Reconnect = (ctx: DialContext) => Promise<Link>;

/** One connection to a hop, for one tunnel. It may be replaced while the hop asks who we are. */
export class Http1Session extends OneTunnelSession {
  readonly #hop: Hop;
  readonly #terms: Http1TunnelTerms;
  readonly #reconnect: Reconnect;

  /** @param reconnect for a hop that closes the connection while it asks who we are */
  constructor(link: Link, hop: Hop, terms: Http1TunnelTerms, reconnect: Reconnect) {
    super(link);
    this.#hop = hop;
    this.#terms = terms;
    this.#reconnect = reconnect;
  }

  override async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const first = findFirstFields(this.#hop, this.#terms.asks, ctx);
    const call = this.#toCall(assertTunnelled(address), ctx, first.fields);
    const { method } = call;
    const peer = proxyPeer(this.#hop, this.link, `${method} ${formatAddress(address)}`);
    this.use();
    const ask = async () => tellAnswer(ctx, await openHttp1(this.link, peer, call, ctx.signal), this.#terms.asks);
    const asked = first.isReady ? await ask() : undefined;
    const negotiated: Negotiated =
      asked && isFinal(asked, first) ? { reply: asked } : await this.#negotiate(address, ctx, first, asked);
    const { reply, body: read } = negotiated;
    const head = toResponseHead(reply);
    if (reply.link) {
      if (method === 'CONNECT' && hasPageHead(head)) ctx.onDoubt?.(describePage(peer, head));
      const link = frameOpened(this.#terms.frame, reply.link, head, this.#hop);
      return withHalfClose(link, this.#findHalfClose(head, reply.link));
    }
    // Loaded by those who need it; what came of the body is read meanwhile.
    const reading = read ?? (reply.isCut ? '' : readRefusalBody(reply.body, head));
    const [body, { refusalError }] = await Promise.all([reading, import('./unopened.ts')]);
    // A proxy must close after a refusal; whatever it does, nothing more is sent on this connection.
    reply.body.destroy();
    const refusal = { hop: this.#hop, method, address, ctx, head, body, negotiated };
    throw this.#goDown(peer.version, refusalError(refusal));
  }

  /** Asks as often as the hop asks who we are. `asked` is the answer to the first request, if it was sent. */
  async #negotiate(
    address: Address,
    ctx: DialContext,
    { asks = proxyAuth, fields }: FirstFields,
    asked: Reply | undefined,
  ): Promise<Negotiated> {
    const target = assertTunnelled(address);
    const { method, opens } = this.#terms;
    const [hop, link, { signal }] = [this.#hop, this.link, ctx];
    const what = `${method} ${formatAddress(address)}`;
    const { negotiate, Http1Connection, isOpened } = await import('./unopened.ts');
    const connection = new Http1Connection(link, {
      ask: async (on, login) =>
        tellAnswer(ctx, await openHttp1(on, proxyPeer(hop, on, what), this.#toCall(target, ctx, login), signal), asks),
      connect: () => this.#reconnect(ctx),
      ...(opens.kind === 'bodies' && { endRequest: ({ stream }) => void stream.write(lastChunk) }),
      signal,
    });
    const request = { hop, method, target: this.#formatTarget(target), signal };
    const terms = { ...request, asks, bound: 'use', isAccepted: isOpened } as const;
    return negotiate(terms, connection, ctx, link.peer.tls?.certificate, asked && { reply: asked, fields });
  }

  #formatTarget(target: TcpAddress): string {
    return this.#terms.requestTarget?.(target, this.#hop) ?? formatHostPort(target.host, target.port);
  }

  /** After a 505 the hop is asked in HTTP/1.0, which knows no chunks. */
  #goDown(version: '1.1' | '1.0', error: TunlError): TunlError {
    const { received } = error.facts;
    if (received === 505 && version === '1.1' && this.#terms.method === 'CONNECT') {
      goDownTo('1.0', this.#hop);
      return error.with({ outdated: true });
    }
    // A proxy that refuses every version alike does not mean the version.
    if (mayNeedOlder(received, this.#terms.opens)) forgetVersion(this.#hop);
    return error;
  }

  /** Ends travel as those of the connection, or in frames that every server takes for the end of one half. */
  #findHalfClose({ headers }: ResponseHead, { halfClose: below }: Link): HalfCloseTerms | undefined {
    const { opens, frame } = this.#terms;
    if (opens.kind === 'bodies' || frame) return readHalfClose(this.#hop, headers, 'now');
    return readHalfClose(this.#hop, headers, 'wait', below);
  }

  #toCall(target: TcpAddress, ctx: DialContext, login: readonly HeaderField[]): Call {
    const { method, opens, fields, host } = this.#terms;
    const authority = host?.(this.#hop) ?? formatHostPort(target.host, target.port);
    const own: HeaderField[] = [['Host', authority], userAgent, ...login, ...fields(this.#hop)];
    return {
      method,
      target: this.#formatTarget(target),
      authority,
      scheme: this.link.peer.tls ? 'https' : 'http',
      headers: http1Fields(this.#hop, ctx, own),
      opens,
    };
  }
}

/** Makes the profile of a proxy that is asked for one tunnel: its answer goes no further than to us. */
export function proxyPeer(hop: Hop, link: Link, what: string): Http1Peer {
  return {
    name: formatAddress(hop.address),
    what,
    side: 'hop',
    phase: 'handshake',
    version: highestVersion(hop) === '1.0' ? '1.0' : '1.1',
    maxHeadBytes,
    readHead: readProxyAnswer,
    isHeadStart: (received) => answerPrefix.startsWith(received.toString('latin1', 0, answerPrefix.length)),
    describeForeign: (received) => {
      const { words, hints } = recogniseForeign(received, hop);
      return { words: `is not an HTTP proxy: it answered ${what} with ${words}`, hints };
    },
    silentHints: () => silentHints(hop, link),
  };
}

function describePage({ name, what }: Http1Peer, head: ResponseHead): string {
  return `${name} answered ${what} with "${formatStatusLine(head)}" and the length of a page, as web servers do`;
}
