import type { Dial, Layer } from '../core/dialer.ts';
import { errorTable, TunlError } from '../core/errors.ts';
import { Turns } from './turns.ts';

/**
 * Makes the layer behind `a|b`, which tries alternatives in their order. It goes on after a failure that the next
 * may not share (a name, a connection, TLS, a time-out, a 5xx, an answer that is not HTTP), and never after an answer
 * that is about the request itself (401, 403, 407).
 * @throws {TunlError} that of the last alternative tried
 */
export function firstOf(alternatives: readonly Layer[]): Layer {
  return tryEach(alternatives, (dials) => ({ next: () => dials }));
}

/**
 * Makes a similar layer that spreads tunnels: each begins with the alternative after the one with which the last tunnel
 * began, and alternatives that failed a moment ago come last.
 * @throws {TunlError} that of the last alternative tried
 */
export function eachInTurn(alternatives: readonly Layer[]): Layer {
  return tryEach(alternatives, (dials) => new Turns(dials, 'round-robin'));
}

/**
 * Makes the layer behind `a|direct`, for machines that are not always in the network of their proxy. It goes without the
 * proxy only if the proxy's name does not resolve, or the PAC file that names it cannot be had; never after an answer of
 * the proxy, or a connection that it did not take.
 * @param place the position of the proxy on the way, from 1
 */
export function orDirect(layer: Layer, place: number): Layer {
  return (next) => {
    const dial = layer(next);
    return async (address, ctx) => {
      try {
        return await dial(address, ctx);
      } catch (error) {
        if (ctx.signal.aborted || !isElsewhere(error, place)) throw error;
        ctx.onFailure?.(error);
        return withoutHop(next, place)(address, ctx);
      }
    };
  };
}

/** Makes the Dial that leads on without a proxy where there might be one; the target then passes the check of its stage. */
export function withoutHop(next: Dial, place: number): Dial {
  return async (address, ctx) => {
    ctx.onHop?.(place, undefined);
    const direct = ctx.hop ? next : (ctx.checkDirect?.(next) ?? next);
    try {
      return await direct(address, ctx);
    } catch (error) {
      throw error instanceof TunlError ? error.withTaken(place, undefined) : error;
    }
  };
}

function isElsewhere(error: unknown, place: number): error is TunlError {
  if (!(error instanceof TunlError)) return false;
  const { undecided, hop } = error.facts;
  return undecided === true || (error.phase === 'dns' && error.side === 'hop' && hop?.index === place);
}

/** The order in which alternatives are tried; `rest` and `wake` hear of their failures and successes. */
type Order = Pick<Turns<Dial>, 'next'> & Partial<Pick<Turns<Dial>, 'rest' | 'wake'>>;

function tryEach(alternatives: readonly Layer[], makeOrder: (dials: Dial[]) => Order): Layer {
  const [only] = alternatives;
  if (only && alternatives.length === 1) return only;
  return (next) => {
    const order = makeOrder(alternatives.map((layer) => layer(next)));
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

/** True for a failure that another attempt, or another hop, may not have. */
export function isWorthRetrying(error: unknown): error is TunlError {
  return error instanceof TunlError && errorTable[error.code].retry;
}
