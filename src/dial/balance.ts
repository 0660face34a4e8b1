import type { Address } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import { isWorthRetrying } from './first-of.ts';

/** A target that could not be reached is asked last for this long. */
const restMs = 10_000;

/**
 * A Dial that leads to one of several targets, whatever address it is called with. `first` prefers them in
 * their order, `round-robin` in turn; those that failed a moment ago come last.
 * @throws {TunlError} that of the last target tried
 */
export function balance(dial: Dial, targets: readonly Address[], mode: 'first' | 'round-robin'): Dial {
  const failedAt = new Map<Address, number>();
  let turn = 0;
  const order = (): Address[] => {
    const start = mode === 'first' ? 0 : turn++ % targets.length;
    const turned = [...targets.slice(start), ...targets.slice(0, start)];
    const resting = (target: Address) => performance.now() - (failedAt.get(target) ?? -restMs) < restMs;
    return [...turned.filter((target) => !resting(target)), ...turned.filter(resting)];
  };
  return async (_address, ctx) => {
    let failure: unknown;
    for (const target of order()) {
      try {
        const link = await dial(target, { ...ctx, target });
        failedAt.delete(target);
        return link;
      } catch (error) {
        failure = error;
        if (ctx.signal.aborted || !isWorthRetrying(error)) throw error;
        failedAt.set(target, performance.now());
        if (targets.length > 1) ctx.onFailure?.(error);
      }
    }
    throw failure;
  };
}
