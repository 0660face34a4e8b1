import { proxyAuth } from '../auth/model/fields.ts';
import { tryPassword } from '../auth/trial.ts';
import type { Address } from '../core/address.ts';
import type { DialContext } from '../core/dialer.ts';
import { type HopPosition, TunlError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import type { Pooled } from '../core/pool.ts';
import type { Call, Reply } from '../http/call.ts';
import { readChallengeBody } from '../http/login/challenge-body.ts';
import { findFirstFields, isChallenge, isFinal } from '../http/login/first-fields.ts';
import { type HopConnection, negotiate, type Negotiated } from '../http/login/negotiate.ts';
import { refusalError } from '../http/tunnel/refusal.ts';
import { isRepeatable, RepeatedBody } from './repeated-body.ts';

/** A connection to a proxy over HTTP/1.1, on which requests go one by one. */
export interface ProxyConnection extends Pooled {
  /** The certificate that the proxy has shown, in DER, if TLS is on the way to it. */
  readonly certificate?: Uint8Array | undefined;
  call(call: Call, signal: AbortSignal): Promise<Reply>;
}

/** The proxy that plain requests go to, and how it is reached. */
export interface RequestProxy {
  readonly hop: Hop;
  readonly position: HopPosition;
  /** The address that the requests are for. */
  readonly target: Address;
  /** Makes another connection to it, for a proxy that closes the first one while it asks who we are. */
  readonly connect: (signal: AbortSignal) => Promise<ProxyConnection>;
  readonly onProgress?: NonNullable<DialContext['onProgress']>;
}

/**
 * Sends plain requests to a proxy, and proves who we are as it asks: by the same negotiation as for tunnels. The connection
 * may be replaced meanwhile.
 */
export class ProxyClient implements Pooled {
  readonly #proxy: RequestProxy;
  #connection: ProxyConnection;
  #isAsking = false;
  #isClosed = false;
  /** The proxy has accepted us on this connection, and asks no more. */
  #isKnown = false;

  constructor(connection: ProxyConnection, proxy: RequestProxy) {
    this.#connection = connection;
    this.#proxy = proxy;
  }

  get capacity(): number {
    return this.#connection.capacity;
  }

  get load(): number {
    return this.#isAsking ? 1 : this.#connection.load;
  }

  get usable(): boolean {
    return !this.#isClosed && (this.#isAsking || this.#connection.usable);
  }

  close(mode: 'drain' | 'now'): Promise<void> {
    this.#isClosed = true;
    return this.#connection.close(mode);
  }

  /**
   * Sends a request in absolute form, and resolves with the first answer that does not ask who we are.
   * @throws {TunlError} auth_required, if the proxy cannot be satisfied; what the connection throws
   */
  async call(call: Call, signal: AbortSignal): Promise<Reply> {
    const { hop, position } = this.#proxy;
    this.#isAsking = true;
    try {
      return await tryPassword(hop, position.index, signal, async () => {
        // A long body cannot be sent twice, so a request without one goes before it.
        if (call.body && !isRepeatable(call.body) && this.#mayAsk()) await this.#introduce(call, signal);
        return this.#ask(call, signal);
      });
    } finally {
      this.#isAsking = false;
    }
  }

  #mayAsk(): boolean {
    const { hop } = this.#proxy;
    return !this.#isKnown && hop.credentials !== undefined && findFirstFields(hop, proxyAuth).asks !== undefined;
  }

  async #introduce({ body: _later, opens: _none, ...call }: Call, signal: AbortSignal): Promise<void> {
    const headers = call.headers.filter(([name]) => !ofBody.has(name));
    const reply = await this.#ask({ ...call, method: 'HEAD', headers }, signal);
    reply.body.resume();
  }

  async #ask(call: Call, signal: AbortSignal): Promise<Reply> {
    const { hop } = this.#proxy;
    const body = call.body && new RepeatedBody(call.body);
    const send = (fields: readonly HeaderField[]) => {
      const { headers } = call;
      return this.#connection.call(
        { ...call, headers: [...headers, ...fields], ...(body && { body: body.take() }) },
        signal,
      );
    };
    const first = this.#isKnown ? { fields: [], isReady: true, asks: proxyAuth } : findFirstFields(hop, proxyAuth);
    const asked = first.isReady ? await send(first.fields) : undefined;
    const { method, target } = call;
    if (asked && isUnasked(asked)) return asked;
    if (asked && isFinal(asked, first)) {
      const { text } = await readChallengeBody(asked.body, signal);
      throw this.#refuse(method, { reply: asked, body: text });
    }
    const terms = { hop, method, target, signal, asks: proxyAuth, bound: 'use', isAccepted: isUnasked } as const;
    const connection = this.#toHopConnection(send, signal, body);
    const { certificate } = this.#connection;
    const question = asked && { reply: asked, fields: first.fields };
    const negotiated = await negotiate(terms, connection, this.#proxy, certificate, question);
    if (!isUnasked(negotiated.reply)) throw this.#refuse(method, negotiated);
    this.#isKnown = negotiated.isBound === true;
    return negotiated.reply;
  }

  #refuse(method: string, negotiated: Negotiated): TunlError {
    const { hop, position, target } = this.#proxy;
    const { status, reason = '', headers } = negotiated.reply;
    const head = { status, reason, headers };
    const refusal = { hop, method, address: target, ctx: { target }, head, body: negotiated.body ?? '', negotiated };
    return refusalError(refusal).with({ hop: position });
  }

  #toHopConnection(
    send: (fields: readonly HeaderField[]) => Promise<Reply>,
    signal: AbortSignal,
    body: RepeatedBody | undefined,
  ): HopConnection {
    let hasServed = false;
    const connection: HopConnection & { isKept: boolean; body: string | undefined } = {
      isKept: true,
      body: undefined,
      ready: async () => {
        if (!connection.isKept) {
          await this.#renew(signal);
          connection.isKept = true;
          hasServed = false;
        }
        return this.#connection.certificate;
      },
      send,
      take: async (reply) => {
        hasServed = true;
        this.#isKnown = false;
        const { text, isWhole } = await readChallengeBody(reply.body, signal);
        connection.body = text;
        connection.isKept = isWhole && this.#connection.usable;
        if (body && !body.isWhole) throw tooLate(this.#proxy);
      },
      isStale: (error) => {
        const isStale = hasServed && error instanceof TunlError && error.facts.unanswered === true;
        if (isStale) connection.isKept = false;
        return isStale;
      },
      abandon: () => void this.#connection.close('now'),
    };
    return connection;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    void this.#connection.close('now');
    this.#connection = await this.#proxy.connect(signal);
    if (this.#isClosed) void this.#connection.close('drain');
  }
}

/** Fields of a request that are about its body. */
const ofBody: ReadonlySet<string> = new Set(['content-length', 'expect', 'trailer']);

function isUnasked(reply: Reply): boolean {
  return !isChallenge(reply, proxyAuth);
}

function tooLate({ position }: RequestProxy): TunlError {
  const message = 'the proxy asks who we are after the body of the request, which is too long to be sent again';
  return new TunlError('auth_required', message, { side: 'hop', phase: 'relay', hop: position, received: 407 });
}
