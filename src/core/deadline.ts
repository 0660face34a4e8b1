import { type ErrorCode, type Phase, TunlError } from './errors.ts';

/** A limit on one phase. `ms` 0 or Infinity means none. */
export interface Limit {
  readonly ms: number;
  readonly phase: Phase;
  /** The option that sets it, named in the message. */
  readonly option: string;
  readonly code: ErrorCode;
}

/**
 * Runs `work` under a limit and under the caller's signal. Whichever comes first aborts the signal
 * that `work` gets, and `work` must then undo what it opened and reject.
 * @throws {TunlError} with the limit's code, naming the phase and its limit
 */
export async function within<T>(
  limit: Limit,
  parent: AbortSignal,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(parent);
  const controller = new AbortController();
  const passOn = () => controller.abort(parent.reason);
  parent.addEventListener('abort', passOn, { once: true });
  const bounded = limit.ms > 0 && Number.isFinite(limit.ms);
  const timer = bounded ? setTimeout(() => controller.abort(timeoutError(limit, what)), limit.ms) : undefined;
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', passOn);
  }
}

function timeoutError(limit: Limit, what: string): TunlError {
  const message = `${what} within ${formatDuration(limit.ms)} (${limit.option})`;
  return new TunlError(limit.code, message, { phase: limit.phase });
}

/** The reason of an aborted signal as a TunlError. */
export function abortReason(signal: AbortSignal): TunlError {
  const { reason } = signal as { reason: unknown };
  return reason instanceof TunlError ? reason : new TunlError('interrupted', 'interrupted', { cause: reason });
}

/** @throws {TunlError} the signal's reason, when it is already aborted */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal);
}

/** Writes a duration the way options take it: `250ms`, `15s`, `5m`, `1h`. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return ms >= 1000 ? `${ms / 1000}s` : `${ms}ms`;
}
