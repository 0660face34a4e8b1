import { longestRetryAfterMs, throwIfAborted } from '../core/deadline.ts';
import type { Layer } from '../core/dialer.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import { backOff, pause, type Wait } from '../core/waiting.ts';
import { isWorthRetrying } from './first-of.ts';

/** Chooses a delay as Envoy does: any time below a step that doubles each time, up to `maxMs`. */
export function envoyBackOff({ baseMs, maxMs }: BackOff, attempt: number, random: number): number {
  return random * Math.min(baseMs * 2 ** attempt, maxMs);
}

/** The range of delays before a dial is repeated. */
export interface BackOff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The failures after which a dial is repeated, and the delays. */
export interface RetryTerms {
  /** Default: tunl's own steps; with `any` no delay, as in Envoy. */
  readonly backOff?: BackOff;
  /** `any`: repeats after every failure that is not the client's or ours, also after a refusal by a proxy. */
  readonly on?: 'passing' | 'any';
}

/** Failures that would occur again: they lie with this process or with the request itself. */
const lasting: ReadonlySet<ErrorCode> = new Set(['interrupted', 'usage', 'internal', 'proxy_loop_detected']);

function isRepeated(error: unknown, on: RetryTerms['on']): error is TunlError {
  if (on !== 'any') return isWorthRetrying(error) && (error.facts.retryAfterMs ?? 0) <= longestRetryAfterMs;
  return (
    error instanceof TunlError && !lasting.has(error.code) && error.side !== 'client' && error.facts.phase !== 'policy'
  );
}

/**
 * Makes the layer that dials again after a failure, up to `retries` times. It waits longer each time, and at least as
 * long as a hop asks for; if a hop asks for more than a minute, it gives up. Nothing is repeated once a Link is
 * returned, because bytes may have been relayed.
 */
export function withRetry(retries: number, terms: RetryTerms = {}, wait: Wait = pause): Layer {
  const delayOf = (attempt: number) => {
    if (terms.backOff) return envoyBackOff(terms.backOff, attempt, Math.random());
    return terms.on === 'any' ? 0 : backOff(attempt, Math.random());
  };
  // Envoy, whose retries `any` stands for, ignores Retry-After.
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
