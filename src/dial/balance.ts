import type { Address } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import { isWorthRetrying } from './first-of.ts';
import { Turns } from './turns.ts';

/**
 * Makes a Dial that leads to one of several targets, whichever address it is called with. `first` prefers them in
 * their order, `round-robin` in turn; targets that failed a moment ago come last.
 * @throws {TunlError} that of the last target tried
 */
export function balance(dial: Dial, targets: readonly Address[], mode: 'first' | 'round-robin'): Dial {
  const [only] = targets;
  if (only && targets.length === 1) {
    return (_address, ctx) => dial(only, ctx.target === only ? ctx : { ...ctx, target: only });
  }
  const turns = new Turns(targets, mode);
  return async (_address, ctx) => {
    let failure: unknown;
    for (const target of turns.next()) {
      try {
        const link = await dial(target, { ...ctx, target });
        turns.wake(target);
        return link;
      } catch (error) {
        failure = error;
        if (ctx.signal.aborted || !isWorthRetrying(error)) throw error;
        turns.rest(target);
        ctx.onFailure?.(error);
      }
    }
    throw failure;
  };
}
