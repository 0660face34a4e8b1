import type { Stage } from '../core/dialer.ts';
import { errorTable, TunlError } from '../core/errors.ts';

/**
 * The Stage behind `a|b`: tries alternatives in turn. The next one is tried after a failure that it
 * may not share (a name, a connection, TLS, a time-out, a 5xx, something that is not HTTP), never
 * after an answer that is about the request itself (401, 403, 407).
 * @throws {TunlError} that of the last alternative tried
 */
export function firstOf(alternatives: readonly Stage[]): Stage {
  return tryFrom(alternatives, () => 0);
}

/**
 * The same, where each tunnel begins with the alternative after the one that the last tunnel began with.
 * @throws {TunlError} that of the last alternative tried
 */
export function eachInTurn(alternatives: readonly Stage[]): Stage {
  let turn = 0;
  return tryFrom(alternatives, () => turn++ % alternatives.length);
}

function tryFrom(alternatives: readonly Stage[], chooseFirst: () => number): Stage {
  const [only] = alternatives;
  if (only && alternatives.length === 1) return only;
  return (next) => {
    const dials = alternatives.map((stage) => stage(next));
    return async (address, ctx) => {
      let failure: unknown;
      const first = chooseFirst();
      for (const dial of [...dials.slice(first), ...dials.slice(0, first)]) {
        try {
          return await dial(address, ctx);
        } catch (error) {
          failure = error;
          if (ctx.signal.aborted || !isWorthRetrying(error)) throw error;
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
