import type { Dial, Stage } from '../core/dialer.ts';
import { errorTable, TunlError } from '../core/errors.ts';
import { Turns } from './turns.ts';

/**
 * The Stage behind `a|b`: tries alternatives in turn. The next one is tried after a failure that it
 * may not share (a name, a connection, TLS, a time-out, a 5xx, something that is not HTTP), never
 * after an answer that is about the request itself (401, 403, 407).
 * @throws {TunlError} that of the last alternative tried
 */
export function firstOf(alternatives: readonly Stage[]): Stage {
  return tryEach(alternatives, (dials) => ({ next: () => dials }));
}

/**
 * The same, where each tunnel begins with the alternative after the one that the last tunnel began with, and those
 * that failed a moment ago come last.
 * @throws {TunlError} that of the last alternative tried
 */
export function eachInTurn(alternatives: readonly Stage[]): Stage {
  return tryEach(alternatives, (dials) => new Turns(dials, 'round-robin'));
}

/** In which order the alternatives are tried, and who wants to know how they fared. */
type Order = Pick<Turns<Dial>, 'next'> & Partial<Pick<Turns<Dial>, 'rest' | 'wake'>>;

function tryEach(alternatives: readonly Stage[], makeOrder: (dials: Dial[]) => Order): Stage {
  const [only] = alternatives;
  if (only && alternatives.length === 1) return only;
  return (next) => {
    const order = makeOrder(alternatives.map((stage) => stage(next)));
    return async (address, ctx) => {
      let failure: unknown;
      for (const dial of order.next()) {
        try {
          const link = await dial(address, ctx);
          order.wake?.(dial);
          return link;
        } catch (error) {
          failure = error;
          if (ctx.signal.aborted || !isWorthRetrying(error)) throw error;
          order.rest?.(dial);
          ctx.onFailure?.(error);
        }
      }
      throw failure;
    };
  };
}

/** True for a failure that another try, or another hop, may not have. */
export function isWorthRetrying(error: unknown): error is TunlError {
  return error instanceof TunlError && errorTable[error.code].retry;
}
