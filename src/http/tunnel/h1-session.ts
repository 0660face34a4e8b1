import { type Address, formatAddress, formatHostPort, type TcpAddress } from '../../core/address.ts';
import type { Session } from '../../core/carrier.ts';
import type { DialContext } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { maxInterim } from '../call.ts';
import { recogniseForeign, silentHints } from './foreign.ts';
import { readHalfClose } from './half-close.ts';
import { HeadError } from '../wire/head.ts';
import { forgetVersion, goDownTo, highestVersion, olderStatuses } from './hop-versions.ts';
import { formatHead, type ResponseHead } from '../wire/message.ts';
import { answerPrefix, maxHeadBytes, type ProxyAnswer, readProxyAnswer } from '../wire/proxy-answer.ts';
import { formatStatusLine, hasPageHead } from './web-answer.ts';
import { readRefusalBody } from './refusal-body.ts';
import { assertTunnelled, requestFields, userAgent } from './request-fields.ts';

/** What a carrier sends to ask for a tunnel over HTTP/1.1, and what it makes of a yes. */
export interface Http1TunnelTerms {
  readonly method: string;
  readonly requestTarget: (target: TcpAddress, hop: Hop) => string;
  /** Fields beside Host and those that every carrier sends. */
  readonly fields: (hop: Hop) => readonly HeaderField[];
  /** A status that opens the tunnel: 101 too, where a change of protocol was asked for. */
  readonly isAccepted: (status: number) => boolean;
  /** How ends travel: as those of the connection, or in frames that every server takes for the end of one half. */
  readonly ends: 'connection' | 'frames';
  /** @throws {TunlError} when the answer cannot carry a tunnel */
  readonly toLink: (link: Link, head: ResponseHead) => Link;
}

/** One connection to a hop, for one tunnel. */
export class Http1Session implements Session {
  readonly capacity = 1;
  readonly #link: Link;
  readonly #hop: Hop;
  readonly #terms: Http1TunnelTerms;
  #used = false;

  constructor(link: Link, hop: Hop, terms: Http1TunnelTerms) {
    this.#link = link;
    this.#hop = hop;
    this.#terms = terms;
  }

  get load(): number {
    return this.#used ? 1 : 0;
  }

  get usable(): boolean {
    return !this.#used && !this.#link.stream.destroyed;
  }

  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const { stream } = this.#link;
    const { method, isAccepted, toLink } = this.#terms;
    const version = highestVersion(this.#hop) === '1.0' ? '1.0' : '1.1';
    const request = this.#formatRequest(version, assertTunnelled(address), ctx);
    // From here on the Link is the tunnel's; before, a failure leaves it to `close`.
    this.#used = true;
    stream.write(request, 'latin1');
    const head = await this.#readAnswer(address, ctx);
    if (isAccepted(head.status)) {
      if (method === 'CONNECT' && hasPageHead(head)) ctx.onDoubt?.(this.#describePage(address, head));
      return { ...toLink(this.#link, head), ...this.#findHalfClose(head) };
    }
    // Loaded by those who need it; what came of the body is read meanwhile.
    const reading = head.isCut ? '' : readRefusalBody(stream, head);
    const [body, { refusalError }] = await Promise.all([reading, import('./refusal.ts')]);
    // A proxy must close after a refusal; whatever it does, nothing more is sent on this connection.
    stream.destroy();
    const error = refusalError({ hop: this.#hop, method, address, ctx, head, body });
    throw this.#goDown(version, error);
  }

  /** After a 505 the hop is asked in HTTP/1.0, which knows no chunks. */
  #goDown(version: '1.1' | '1.0', error: TunlError): TunlError {
    const { received } = error.facts;
    if (received === 505 && version === '1.1' && this.#terms.method === 'CONNECT') {
      goDownTo('1.0', this.#hop);
      return error.with({ outdated: true });
    }
    // Whoever says the same in every version does not mean the version.
    if (olderStatuses.has(received)) forgetVersion(this.#hop);
    return error;
  }

  #findHalfClose({ headers }: ResponseHead): Pick<Link, 'halfClose'> {
    const { halfClose: below } = this.#link;
    const isBelow = this.#terms.ends === 'connection';
    const halfClose = isBelow
      ? readHalfClose(this.#hop, headers, 'wait', below)
      : readHalfClose(this.#hop, headers, 'now');
    return halfClose ? { halfClose } : {};
  }

  close(): Promise<void> {
    // A tunnel that was opened owns the Link.
    if (!this.#used) this.#link.stream.destroy();
    return Promise.resolve();
  }

  #formatRequest(version: '1.1' | '1.0', target: TcpAddress, ctx: DialContext): string {
    const { method, requestTarget, fields } = this.#terms;
    const host: HeaderField = ['Host', formatHostPort(target.host, target.port)];
    const all = requestFields(this.#hop, ctx, [host, userAgent, ...fields(this.#hop)]);
    // First, as RFC 9110, section 7.2 wants it, whoever has set it.
    const isHost = ([name]: HeaderField) => name.toLowerCase() === 'host';
    return formatHead(`${method} ${requestTarget(target, this.#hop)} HTTP/${version}`, [
      ...all.filter(isHost),
      ...all.filter((field) => !isHost(field)),
    ]);
  }

  async #readAnswer(address: Address, ctx: DialContext): Promise<ProxyAnswer> {
    for (let interim = 0; interim <= maxInterim; interim++) {
      const head = await this.#readResponse(address, ctx);
      // 101 changes the protocol: it is an answer, not a step, whether we asked for it or not.
      if (head.status >= 200 || head.status === 101) return head;
    }
    throw this.#fail(new TunlError('http_protocol_error', `${this.#proxy} sends interim answers without end`));
  }

  async #readResponse(address: Address, ctx: DialContext): Promise<ProxyAnswer> {
    try {
      return await readProxyAnswer(this.#link.stream, ctx.signal);
    } catch (error) {
      throw this.#fail(this.#toAnswerError(error, `${this.#terms.method} ${formatAddress(address)}`));
    }
  }

  #toAnswerError(error: unknown, asked: string): TunlError {
    if (error instanceof TunlError) {
      if (error.code !== 'http_protocol_error') return error;
      return error.with({}, `${this.#proxy} opened no tunnel for ${asked}: ${error.message}`);
    }
    if (!(error instanceof HeadError)) throw error;
    const facts = { side: 'hop', phase: 'handshake', cause: error } as const;
    const { fault, received } = error;
    switch (fault) {
      case 'closed': {
        const how = error.cause ? 'reset' : 'closed';
        if (received.length === 0) {
          const message = `${this.#proxy} ${how} the connection without an answer to ${asked}`;
          const hints = silentHints(this.#hop, this.#link);
          return new TunlError('http_response_incomplete', message, { ...facts, hints });
        }
        if (!isHeadStart(received)) return this.#foreignError(received, asked, error);
        const message = `${this.#proxy} ${how} the connection in the middle of its answer to ${asked}`;
        return new TunlError('http_response_incomplete', message, facts);
      }
      case 'not_http':
        return this.#foreignError(received, asked, error);
      case 'line_too_long':
      case 'too_large': {
        const message = `${this.#proxy} answered ${asked} with a head above ${maxHeadBytes} bytes`;
        return new TunlError('http_response_header_section_size', message, facts);
      }
    }
  }

  #foreignError(received: Buffer, asked: string, cause: HeadError): TunlError {
    const { words, hints } = recogniseForeign(received, this.#hop);
    const message = `${this.#proxy} is not an HTTP proxy: it answered ${asked} with ${words}`;
    return new TunlError('http_protocol_error', message, { side: 'hop', phase: 'handshake', hints, cause });
  }

  #describePage(address: Address, head: ResponseHead): string {
    const line = formatStatusLine(head);
    return `${this.#proxy} answered CONNECT ${formatAddress(address)} with "${line}" and the length of a page, as web servers do`;
  }

  #fail(error: TunlError): TunlError {
    this.#link.reset(error);
    return error;
  }

  get #proxy(): string {
    return formatAddress(this.#hop.address);
  }
}

/** True for bytes that may still become the head of an answer. */
function isHeadStart(received: Buffer): boolean {
  return answerPrefix.startsWith(received.toString('latin1', 0, answerPrefix.length));
}
