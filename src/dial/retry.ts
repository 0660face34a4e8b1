import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../core/deadline.ts';
import type { Stage } from '../core/dialer.ts';
import { isWorthRetrying } from './first-of.ts';

const firstDelayMs = 250;
const longestDelayMs = 10_000;

/** Chooses a delay between half of the step and the whole of it; `random` is in [0, 1). */
export function backOff(attempt: number, random: number): number {
  const step = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs);
  // Jitter: clients that lost the same proxy must not come back in step.
  return step / 2 + (random * step) / 2;
}

/** Waits so many milliseconds, or until the signal. It never rejects. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const pause: Wait = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});

/**
 * Dials again after a failure that may pass, `retries` times, waiting longer each time. It ends with
 * the Link: once bytes may have been relayed nothing is repeated.
 */
export function withRetry(retries: number, wait: Wait = pause): Stage {
  return (next) => async (address, ctx) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await next(address, ctx);
      } catch (error) {
        if (attempt >= retries || ctx.signal.aborted || !isWorthRetrying(error)) throw error;
        ctx.onFailure?.(error);
        await wait(backOff(attempt, Math.random()), ctx.signal);
        throwIfAborted(ctx.signal);
      }
    }
  };
}
