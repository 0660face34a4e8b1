import type { AuthFields } from '../../auth/model/fields.ts';
import { tryPassword } from '../../auth/trial.ts';
import type { Address } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import { type HopPosition, TunlError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import type { Pooled } from '../../core/pool.ts';
import { leaveBody } from '../body/leave.ts';
import type { Call, Reply } from '../call.ts';
import { readChallengeBody } from '../login/challenge-body.ts';
import { findFirstFields, isChallenge, isFinal } from '../login/first-fields.ts';
import { type HopConnection, negotiate, type Negotiated } from '../login/negotiate.ts';
import { refusalError } from '../tunnel/refusal.ts';
import { toResponseHead } from '../wire/message.ts';
import { isRepeatable, RepeatedBody } from './repeated-body.ts';

/** A connection over HTTP/1.1 to whoever asks who we are, on which requests go one by one. */
export interface AskedConnection extends Pooled {
  /** The certificate that it has shown, in DER, if TLS is on the way to it. */
  readonly certificate?: Uint8Array | undefined;
  call(call: Call, signal: AbortSignal): Promise<Reply>;
}

/** The hop that requests go to, and how it is reached. */
export interface LoginTerms {
  readonly hop: Hop;
  /** Absent if whoever dials adds it to failures, and sees to it that a wrong password is tried once. */
  readonly position?: HopPosition;
  /** How it asks who we are. */
  readonly asks: AuthFields;
  /** True to learn whether it asks who we are: nothing that proves it is sent. */
  readonly anonymous?: boolean;
  /** The address that the requests are for. */
  readonly target: Address;
  /** Makes another connection to it, for a hop that closes the first one while it asks who we are. */
  readonly connect: (signal: AbortSignal) => Promise<AskedConnection>;
  readonly onProgress?: NonNullable<DialContext['onProgress']>;
}

/**
 * Sends requests to a hop, and proves who we are as it asks: by the same negotiation as for tunnels. The connection may be
 * replaced meanwhile.
 */
export class LoginClient implements Pooled {
  readonly #terms: LoginTerms;
  #connection: AskedConnection;
  #isAsking = false;
  #isClosed = false;
  /** The hop has accepted us on this connection, and asks no more. */
  #isKnown = false;

  constructor(connection: AskedConnection, terms: LoginTerms) {
    this.#connection = connection;
    this.#terms = terms;
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
   * Sends a request, and resolves with the first answer that does not ask who we are.
   * @throws {TunlError} auth_required, if the hop cannot be satisfied; what the connection throws
   */
  async call(call: Call, signal: AbortSignal): Promise<Reply> {
    const { hop, position } = this.#terms;
    this.#isAsking = true;
    const send = async () => {
      // A long body cannot be sent twice, so a request without one goes before it.
      if (call.body && !isRepeatable(call.body) && this.#mayAsk()) await this.#introduce(call, signal);
      return this.#ask(call, signal);
    };
    try {
      return await (position ? tryPassword(hop, position.index, signal, send) : send());
    } finally {
      this.#isAsking = false;
    }
  }

  #mayAsk(): boolean {
    const { hop, asks } = this.#terms;
    return (
      !this.#isKnown && hop.credentials !== undefined && findFirstFields(hop, asks, this.#terms).asks !== undefined
    );
  }

  async #introduce({ body: _later, opens: _none, ...call }: Call, signal: AbortSignal): Promise<void> {
    const headers = call.headers.filter(([name]) => !ofBody.has(name));
    const reply = await this.#ask({ ...call, method: 'HEAD', headers }, signal);
    leaveBody(reply);
  }

  async #ask(call: Call, signal: AbortSignal): Promise<Reply> {
    const { hop, asks } = this.#terms;
    const body = call.body && new RepeatedBody(call.body);
    const send = (fields: readonly HeaderField[]) => {
      const { headers } = call;
      return this.#connection.call(
        { ...call, headers: [...headers, ...fields], ...(body && { body: body.take() }) },
        signal,
      );
    };
    const first = this.#isKnown ? { fields: [], isReady: true, asks } : findFirstFields(hop, asks, this.#terms);
    const asked = first.isReady ? await send(first.fields) : undefined;
    const { method, target } = call;
    const isUnasked = (reply: Reply) => !isChallenge(reply, asks);
    if (asked && isUnasked(asked)) return asked;
    if (asked && isFinal(asked, first)) {
      const { text } = await readChallengeBody(asked.body, signal);
      throw this.#refuse(method, { reply: asked, body: text });
    }
    const terms = { hop, method, target, signal, asks, bound: 'use', isAccepted: isUnasked } as const;
    const connection = this.#toHopConnection(send, signal, body);
    const { certificate } = this.#connection;
    const question = asked && { reply: asked, fields: first.fields };
    const negotiated = await negotiate(terms, connection, this.#terms, certificate, question);
    if (!isUnasked(negotiated.reply)) throw this.#refuse(method, negotiated);
    this.#isKnown = negotiated.isBound === true;
    return negotiated.reply;
  }

  #refuse(method: string, negotiated: Negotiated): TunlError {
    const { hop, position, target } = this.#terms;
    const head = toResponseHead(negotiated.reply);
    const refusal = { hop, method, address: target, ctx: { target }, head, body: negotiated.body ?? '', negotiated };
    return refusalError(refusal).with(position ? { hop: position } : {});
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
        if (body && !body.isWhole) throw tooLate(this.#terms);
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
    this.#connection = await this.#terms.connect(signal);
    if (this.#isClosed) void this.#connection.close('drain');
  }
}

/** Fields of a request that are about its body. */
const ofBody: ReadonlySet<string> = new Set(['content-length', 'expect', 'trailer']);

function tooLate({ position, asks }: LoginTerms): TunlError {
  const message = 'the proxy asks who we are after the body of the request, which is too long to be sent again';
  const facts = { side: 'hop', phase: 'relay', received: asks.status } as const;
  return new TunlError('auth_required', message, position ? { ...facts, hop: position } : facts);
}
