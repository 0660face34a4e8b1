import { findFirstScheme, isFieldGiven } from '../../auth/knowledge.ts';
import type { DialContext } from '../../core/dialer.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import type { Reply } from '../call.ts';
import { basicField } from '../wire/credentials.ts';

/** What goes with the first request for a tunnel to prove who we are. */
export interface FirstFields {
  readonly fields: readonly HeaderField[];
  /** False if the fields are still to be found by a negotiation. */
  readonly isReady: boolean;
  /** True if a 407 is answered. */
  readonly mayAsk: boolean;
}

/**
 * Finds what can be sent at once, without the code of negotiations: nothing, or a password by Basic. Fields of the user
 * that authenticate are all that is sent. Without `ctx` nothing is sent at all.
 */
export function findFirstFields(hop: Hop, ctx: DialContext | undefined): FirstFields {
  if (!ctx || isFieldGiven([...hop.headers, ...(ctx.fields ?? [])]))
    return { fields: [], isReady: true, mayAsk: false };
  const scheme = findFirstScheme(hop);
  if (scheme?.name !== 'basic' || !hop.credentials) return { fields: [], isReady: !scheme, mayAsk: true };
  return { fields: [basicField(hop.credentials)], isReady: true, mayAsk: true };
}

/** True for an answer that asks who we are. */
export function isChallenge({ status, link, isCut }: Reply): boolean {
  return status === 407 && !link && !isCut;
}

/** True for the answer to the first request if nothing more is sent: it does not ask, or must not be answered. */
export function isFinal(reply: Reply, { mayAsk }: FirstFields): boolean {
  return !mayAsk || !isChallenge(reply);
}
