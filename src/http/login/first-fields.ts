import { findFirstScheme, isFieldGiven } from '../../auth/knowledge.ts';
import type { AuthFields } from '../../auth/model/fields.ts';
import { formatBasic } from '../../auth/schemes/basic.ts';
import type { DialContext } from '../../core/dialer.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import type { Reply } from '../call.ts';
import { fieldValues } from '../wire/message.ts';

/** What goes with the first request to a hop to prove who we are. */
export interface FirstFields {
  readonly fields: readonly HeaderField[];
  /** False if the fields are still to be found by a negotiation. */
  readonly isReady: boolean;
  /** How the hop may ask for more; absent if that is not answered. */
  readonly asks?: AuthFields;
}

/**
 * Finds what can be sent at once, without the code of negotiations: nothing, or a password by Basic. Fields of the user
 * that authenticate are all that is sent. Without `asks` nothing is sent at all.
 */
export function findFirstFields(
  hop: Hop,
  asks: AuthFields | undefined,
  added: Pick<DialContext, 'fields' | 'anonymous'> = {},
): FirstFields {
  if (!asks || added.anonymous || isFieldGiven([...hop.headers, ...(added.fields ?? [])], asks))
    return { fields: [], isReady: true };
  const scheme = findFirstScheme(hop);
  if (scheme?.name !== 'basic' || !hop.credentials) return { fields: [], isReady: !scheme, asks };
  return { fields: [[asks.credentials, formatBasic(hop.credentials)]], isReady: true, asks };
}

/** Tells whoever dials of an answer, and returns it. */
export function tellAnswer(
  { onAnswer }: Pick<DialContext, 'onAnswer'>,
  reply: Reply,
  asks: AuthFields | undefined,
): Reply {
  if (!onAnswer) return reply;
  const { status, headers, isPersistent } = reply;
  const challenges = asks && isChallenge(reply, asks) ? fieldValues(headers, asks.challenge) : undefined;
  onAnswer({
    status,
    headers,
    ...(challenges && { challenges }),
    ...(isPersistent !== undefined && { isPersistent }),
  });
  return reply;
}

/** True for an answer that asks who we are. */
export function isChallenge({ status, link, isCut }: Reply, asks: AuthFields): boolean {
  return status === asks.status && !link && !isCut;
}

/** True for the answer to the first request if nothing more is sent: it does not ask, or must not be answered. */
export function isFinal(reply: Reply, { asks }: FirstFields): boolean {
  return !asks || !isChallenge(reply, asks);
}
