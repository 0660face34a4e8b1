import { setTimeout as delay } from 'node:timers/promises';
import { longestRetryAfterMs, throwIfAborted } from '../core/deadline.ts';
import type { Stage } from '../core/dialer.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import { isWorthRetrying } from './first-of.ts';

const firstDelayMs = 250;
const longestDelayMs = 10_000;

/** Chooses a delay between half of the step and the whole of it; `random` is in [0, 1). */
export function backOff(attempt: number, random: number): number {
  const step = Math.min(firstDelayMs * 2 ** attempt, longestDelayMs);
  // Jitter: clients that lost the same proxy must not come back in step.
  return step / 2 + (random * step) / 2;
}

/** Chooses a delay as Envoy does: anything below a step that doubles each time, up to `maxMs`. */
export function envoyBackOff({ baseMs, maxMs }: BackOff, attempt: number, random: number): number {
  return random * Math.min(baseMs * 2 ** attempt, maxMs);
}

/** How long is waited before a dial is repeated. */
export interface BackOff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** What is repeated, and when. */
export interface RetryTerms {
  /** Where absent: our own steps, or no wait where any failure is repeated, as Envoy does it. */
  readonly backOff?: BackOff;
  /** `any`: after every failure that is not the client's or ours; also where a proxy refused. */
  readonly on?: 'passing' | 'any';
}

/** Failures that a repeated dial would have again: they lie with us, or with what was asked for. */
const lasting: ReadonlySet<ErrorCode> = new Set(['interrupted', 'usage', 'internal', 'proxy_loop_detected']);

function isRepeated(error: unknown, on: RetryTerms['on']): error is TunlError {
  if (on !== 'any') return isWorthRetrying(error) && (error.facts.retryAfterMs ?? 0) <= longestRetryAfterMs;
  return (
    error instanceof TunlError && !lasting.has(error.code) && error.side !== 'client' && error.facts.phase !== 'policy'
  );
}

/** Waits so many milliseconds, or until the signal. It never rejects. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const pause: Wait = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});

/**
 * Dials again after a failure, `retries` times, waiting longer each time, and as long as a hop asks for; a failure
 * whose hop asks for more than a minute is the last. It ends with
 * the Link: once bytes may have been relayed nothing is repeated.
 */
export function withRetry(retries: number, terms: RetryTerms = {}, wait: Wait = pause): Stage {
  const delayOf = (attempt: number) => {
    if (terms.backOff) return envoyBackOff(terms.backOff, attempt, Math.random());
    return terms.on === 'any' ? 0 : backOff(attempt, Math.random());
  };
  // Whoever repeats after any failure, as Envoy does, looks at none.
  const askedFor = ({ facts }: TunlError) => (terms.on === 'any' ? 0 : (facts.retryAfterMs ?? 0));
  return (next) => async (address, ctx) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await next(address, ctx);
      } catch (error) {
        if (attempt >= retries || ctx.signal.aborted || !isRepeated(error, terms.on)) throw error;
        ctx.onFailure?.(error);
        await wait(Math.max(delayOf(attempt), askedFor(error)), ctx.signal);
        throwIfAborted(ctx.signal);
      }
    }
  };
}
