import { type Address, formatAddress, formatHostPort } from '../core/address.ts';
import type { Carrier, Session } from '../core/carrier.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import type { Link } from '../core/link.ts';
import { version } from '../core/version.ts';
import { claimConnect } from '../http/connect-request.ts';
import { basicField } from '../http/credentials.ts';
import { HeadError, readHead } from '../http/head.ts';
import { formatHead, parseResponseHead, type ResponseHead } from '../http/message.ts';
import { readRefusalBody, refusalError } from '../http/refusal.ts';

/** Largest answer head that we read: what squid and nginx send at most. */
const maxHeadBytes = 16 * 1024;

/** Interim answers (1xx) before the final one; more than a few is a peer that only keeps us busy. */
const maxInterim = 64;

/** CONNECT over HTTP/1.1 (RFC 9110, section 9.3.6): one tunnel for one connection, no framing. */
export const h1: Carrier = {
  name: 'h1',
  schemes: [{ scheme: 'http', defaultPort: 80, summary: 'CONNECT over HTTP/1.1' }],
  settings: [],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop) => new Http1Session(await reach({ form: 'tunnel' }), hop),
  claim: claimConnect,
};

class Http1Session implements Session {
  readonly capacity = 1;
  readonly #link: Link;
  readonly #hop: Hop;
  #used = false;

  constructor(link: Link, hop: Hop) {
    this.#link = link;
    this.#hop = hop;
  }

  get load(): number {
    return this.#used ? 1 : 0;
  }

  get usable(): boolean {
    return !this.#used && !this.#link.stream.destroyed;
  }

  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    this.#used = true;
    const { stream } = this.#link;
    stream.write(formatConnect(address, this.#hop, ctx), 'latin1');
    const head = await this.#readAnswer(address, ctx);
    if (head.status >= 200 && head.status < 300) return this.#link;
    const body = await readRefusalBody(stream, head);
    const error = refusalError(this.#hop, address, ctx, head, body);
    // A proxy must close after a refusal; whatever it does, nothing more is sent on this connection.
    stream.destroy();
    throw error;
  }

  close(): Promise<void> {
    // A tunnel that was opened owns the Link.
    if (!this.#used) this.#link.stream.destroy();
    return Promise.resolve();
  }

  async #readAnswer(address: Address, ctx: DialContext): Promise<ResponseHead> {
    for (let interim = 0; interim <= maxInterim; interim++) {
      const head = await this.#readResponse(address, ctx);
      // 101 changes the protocol to something that we did not ask for: it is an answer, not a step.
      if (head.status >= 200 || head.status === 101) return head;
    }
    throw this.#fail(new TunlError('http_protocol_error', `${this.#proxy} sends interim answers without end`));
  }

  async #readResponse(address: Address, ctx: DialContext): Promise<ResponseHead> {
    try {
      return parseResponseHead(await readHead(this.#link.stream, maxHeadBytes, ctx.signal));
    } catch (error) {
      throw this.#fail(this.#answerError(error, address));
    }
  }

  #answerError(error: unknown, address: Address): TunlError {
    if (error instanceof TunlError) {
      return error.code === 'http_protocol_error' ? error.with({}, `${this.#proxy} is not an HTTP proxy: ${error.message}`) : error;
    }
    if (!(error instanceof HeadError)) throw error;
    const asked = `CONNECT ${formatAddress(address)}`;
    const facts = { side: 'hop', phase: 'handshake', cause: error } as const;
    switch (error.fault) {
      case 'closed': {
        const how = error.cause ? 'reset' : 'closed';
        const when = error.received.length > 0 ? 'in the middle of its answer to' : 'without an answer to';
        return new TunlError('http_response_incomplete', `${this.#proxy} ${how} the connection ${when} ${asked}`, facts);
      }
      case 'not_http':
        return new TunlError('http_protocol_error', `${this.#proxy} is not an HTTP proxy: it answered ${asked} with something else`, facts);
      case 'line_too_long':
      case 'too_large':
        return new TunlError('http_response_header_section_size', `${this.#proxy} answered ${asked} with a head above ${maxHeadBytes} bytes`, facts);
    }
  }

  #fail(error: TunlError): TunlError {
    this.#link.reset(error);
    return error;
  }

  get #proxy(): string {
    return formatHostPort(this.#hop.address.host, this.#hop.address.port);
  }
}

function formatConnect(address: Address, hop: Hop, ctx: DialContext): string {
  if (address.kind !== 'tcp') {
    throw new TunlError('usage', `${formatAddress(address)} cannot be reached through a proxy`);
  }
  const authority = formatHostPort(address.host, address.port);
  const fields: HeaderField[] = [
    ['Host', authority],
    ['User-Agent', `tunl/${version}`],
    ...(hop.credentials ? [basicField(hop.credentials)] : []),
    ...(ctx.origin.via ?? []).map((value) => ['Via', value] as const),
    ...hop.headers,
  ];
  return formatHead(`CONNECT ${authority} HTTP/1.1`, fields);
}
