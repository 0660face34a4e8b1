import type { Ip } from '../core/address.ts';
import { abortReason, throwIfAborted } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import { type Link, resetError } from '../core/link.ts';

/** Delay between the starts of two attempts (RFC 8305, section 5). */
const attemptDelayMs = 250;

/** The reason for which losing attempts are aborted. Made once: the stack of an error costs more than the race. */
const outrun = new TunlError('interrupted', 'another address answered first');

/** Connects to one address. If the signal is aborted, nothing stays open. */
export type Attempt = (ip: Ip, signal: AbortSignal) => Promise<Link>;

/**
 * Connects to several addresses as RFC 8305 says. Node's own racing aborts an attempt that takes longer than its delay.
 * @throws {TunlError} that of the first address, if all fail
 */
export async function race(ips: readonly Ip[], attempt: Attempt, signal: AbortSignal): Promise<Link> {
  throwIfAborted(signal);
  if (ips.length === 0) throw new TunlError('dns_error', 'there is no address to connect to', { phase: 'dns' });
  return raceEach(ips, attempt, {
    delayMs: attemptDelayMs,
    signal,
    outrun,
    discard: (link) => link.reset(resetError('another address answered first')),
    choose: ([first]) => first,
  });
}

/** The terms of a race. */
export interface RaceTerms<T> {
  /** The delay, in milliseconds, between the starts of two attempts. */
  readonly delayMs: number;
  readonly signal: AbortSignal;
  /** The reason for which losing attempts are aborted. */
  readonly outrun: TunlError;
  /** Gives up what a losing attempt has opened nevertheless. */
  readonly discard: (result: T) => void;
  /** Chooses the failure to report if all attempts fail; they are in the order of the candidates. */
  readonly choose: (failures: readonly unknown[]) => unknown;
}

/**
 * Makes attempts with several candidates, of which there is at least one. They start one after the other with a delay, or
 * at once after a failure, and earlier ones go on. The first to succeed wins, and the others are aborted.
 * @throws what `choose` returns; the signal's reason
 */
export function raceEach<C, T>(
  candidates: readonly C[],
  attempt: (candidate: C, signal: AbortSignal) => Promise<T>,
  { delayMs, signal, outrun: reason, discard, choose }: RaceTerms<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    const failures: unknown[] = [];
    let started = 0;
    let failed = 0;
    let settled = false;
    let timer: NodeJS.Timeout | undefined;

    const settle = (act: () => void) => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      losers.abort(reason);
      act();
    };
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const startNext = () => {
      clearTimeout(timer);
      const order = started;
      if (settled || order >= candidates.length) return;
      started++;
      timer = setTimeout(startNext, delayMs);
      attempt(candidates[order] as C, losers.signal).then(
        (result) => (settled ? discard(result) : settle(() => resolve(result))),
        (error: unknown) => {
          if (settled) return;
          failures[order] = error;
          if (++failed === candidates.length) settle(() => reject(choose(failures) as Error));
          else startNext();
        },
      );
    };

    signal.addEventListener('abort', onAbort, { once: true });
    startNext();
  });
}
