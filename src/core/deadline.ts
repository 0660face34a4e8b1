import { Abort } from './abort.ts';
import { type ErrorCode, type Phase, TunlError } from './errors.ts';

/** The longest wait that a hop may ask for before a dial is repeated, in milliseconds. */
export const longestRetryAfterMs = 60_000;

/** A time limit on one phase. `ms` 0 or Infinity means none. */
export interface Limit {
  readonly ms: number;
  readonly phase: Phase;
  /** The option that sets the limit, named in the message. */
  readonly option: string;
  readonly code: ErrorCode;
}

/** The limit on a TLS handshake, in milliseconds. */
export function tlsLimit(ms: number): Limit {
  return { ms, phase: 'tls', option: '--tls-timeout', code: 'connection_timeout' };
}

/** The limit on the time that a client takes for its request, in milliseconds. */
export function requestLimit(ms: number): Limit {
  return { ms, phase: 'request', option: '--handshake-timeout', code: 'http_request_error' };
}

/** Begins the message about a client that was too slow for it. */
export const lateRequest = 'the client did not send its request';

/** A limit that runs from `start` to `end` and also passes on the caller's abort. */
export class Deadline {
  readonly #controller = new Abort();
  readonly #limit: Limit;
  readonly #parent: AbortSignal;
  readonly #what: string | (() => string);
  readonly #passOn = () => this.#controller.abort(this.#parent.reason);
  #timer: NodeJS.Timeout | undefined;

  /** @param what begins the message: "proxy:80 did not answer". A function of it is called when the limit has run out. */
  constructor(limit: Limit, parent: AbortSignal, what: string | (() => string)) {
    this.#limit = limit;
    this.#parent = parent;
    this.#what = what;
    if (parent.aborted) this.#passOn();
    else parent.addEventListener('abort', this.#passOn, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the limit, or starts it again. */
  start(): void {
    clearTimeout(this.#timer);
    const limit = this.#limit;
    if (!isLimit(limit)) return;
    this.#timer = setTimeout(() => this.#onLate(limit), limit.ms);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#passOn);
  }

  #onLate(limit: Limit): void {
    const what = this.#what;
    this.#controller.abort(lateError(limit, typeof what === 'string' ? what : what()));
  }
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
  const deadline = new Deadline(limit, parent, what);
  deadline.start();
  try {
    return await work(deadline.signal);
  } finally {
    deadline.end();
  }
}

/** True for a limit that can run out. */
export function isLimit({ ms }: Limit): boolean {
  return ms > 0 && Number.isFinite(ms);
}

/** Makes the error of a limit that ran out; `what` begins its message. */
export function lateError({ ms, option, code, phase }: Limit, what: string): TunlError {
  return new TunlError(code, `${what} within ${formatDuration(ms)} (${option})`, { phase });
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

/** Writes a duration in the form that options accept: `250ms`, `15s`, `5m`, `1h`. */
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
