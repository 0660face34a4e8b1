import { type AuthConnection, Negotiation, type NegotiationTerms } from '../../auth/negotiation.ts';
import { throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { DialContext } from '../../core/dialer.ts';
import { leaveBody } from '../body/leave.ts';
import type { Reply } from '../call.ts';
import { fieldValues } from '../wire/message.ts';
import { isChallenge } from './first-fields.ts';

/** The connection to a hop on which one request is sent until it is accepted or refused. */
export interface HopConnection extends AuthConnection {
  /** Sends the request with these fields beside its own. */
  send(fields: readonly HeaderField[]): Promise<Reply>;
  /** Reads what must be read of an answer that asks before the next request. */
  take(reply: Reply): Promise<void>;
  /** The beginning of the body of the last answer that asked, if `take` has read it. */
  readonly body: string | undefined;
  /** True if nothing was read on a connection that has served before: it may have been closed without notice. */
  isStale(error: unknown): boolean;
  /** Gives up the connection. */
  abandon(): void;
}

/** A request whose answer asks who we are, and the fields that were sent with it to prove it. */
export interface AskedRequest {
  readonly reply: Reply;
  readonly fields: readonly HeaderField[];
}

/** What became of a request. */
export interface Negotiated {
  /** The last answer. */
  readonly reply: Reply;
  /** The beginning of its body, if it has been read. */
  readonly body?: string | undefined;
  /** Present for an answer that still asks: what was tried, and why nothing else is. */
  readonly hints?: readonly string[];
  /** True if the hop has checked a password and refused it. */
  readonly isRefused?: boolean;
  /** The fields that proved who we are, which no message may repeat. */
  readonly sent?: readonly HeaderField[];
  /** True if the hop knows the connection now: further requests on it need no credentials. */
  readonly isBound?: true;
  /** True if the hop must be asked in HTTP/1.1: the reason is a hint. */
  readonly isOlder?: true;
}

/** The request that is negotiated, and how its answers are read. */
export interface NegotiateTerms extends NegotiationTerms {
  /** True for an answer that proves that the hop has accepted the credentials; others may come from before it looked. */
  readonly isAccepted: (reply: Reply) => boolean;
}

/** True for an answer that opened a tunnel. */
export function isOpened({ link }: Reply): boolean {
  return link !== undefined;
}

/**
 * Sends a request to a hop until it accepts the credentials or there are none left.
 * @param asked the first request, if it was sent, and its answer asks
 * @throws {TunlError} of the connection, or because the hop failed to prove who it is
 */
export async function negotiate(
  terms: NegotiateTerms,
  connection: HopConnection,
  { onProgress }: Pick<DialContext, 'onProgress'>,
  certificate: Uint8Array | undefined,
  asked?: AskedRequest,
): Promise<Negotiated> {
  const negotiation = new Negotiation(terms);
  const started = performance.now();
  try {
    const first = await negotiation.begin(certificate, asked?.fields);
    let reply = asked?.reply ?? (await connection.send(first));
    while (isChallenge(reply, terms.asks)) {
      await connection.take(reply);
      throwIfAborted(terms.signal);
      const verdict = await negotiation.answer(fieldValues(reply.headers, terms.asks.challenge), connection);
      if (verdict.kind === 'older') return { reply, isOlder: true, hints: [`${verdict.title} needs HTTP/1.1`] };
      if (verdict.kind === 'stop') {
        const { hints, isRefused } = verdict;
        return { reply, body: connection.body, hints, isRefused, sent: negotiation.sent };
      }
      reply = await resend(negotiation, connection, verdict.fields);
    }
    if (!terms.isAccepted(reply)) return { reply, sent: negotiation.sent };
    const { scheme, rounds, sent } = negotiation;
    await negotiation.confirm(reply.headers);
    if (!scheme) return { reply, sent };
    const detail = `authenticated by ${scheme.title}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`;
    const login = { scheme: scheme.title, rounds, passedOver: negotiation.reasons };
    onProgress?.({ phase: 'handshake', detail, ms: performance.now() - started, login });
    return { reply, sent, ...(scheme.binding === 'connection' && { isBound: true }) };
  } catch (error) {
    connection.abandon();
    throw error;
  } finally {
    negotiation.close();
  }
}

/** Sends the request, and once more if its connection was closed before it came. */
async function resend(
  negotiation: Negotiation,
  connection: HopConnection,
  fields: readonly HeaderField[],
): Promise<Reply> {
  try {
    return await connection.send(fields);
  } catch (error) {
    if (!(error instanceof TunlError) || !connection.isStale(error)) throw error;
    const again = await negotiation.again(connection);
    if (!again) throw error.withHints(...negotiation.reasons);
    return connection.send(again);
  }
}

/** Makes the connection of requests over HTTP/2: each has a stream of its own, and nothing ends the session. */
export function streamConnection(send: HopConnection['send']): HopConnection {
  let last: Reply | undefined;
  return {
    isKept: true,
    body: undefined,
    ready: () => Promise.resolve(undefined),
    take(reply) {
      last = reply;
      return Promise.resolve();
    },
    send(fields) {
      if (last) leaveBody(last);
      return send(fields);
    },
    isStale: () => false,
    abandon: () => last?.cancel(new Error('the request was given up')),
  };
}
