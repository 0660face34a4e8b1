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
 * Connects to several addresses as RFC 8305 says: attempts start one after the other with a small delay, or at once
 * after a failure, and earlier ones go on. The first to succeed wins, and the others are closed. Node's own racing
 * aborts an attempt that takes longer than its delay.
 * @throws {TunlError} that of the first address, if all fail
 */
export async function race(ips: readonly Ip[], attempt: Attempt, signal: AbortSignal): Promise<Link> {
  throwIfAborted(signal);
  const [first] = ips;
  if (first === undefined) throw new TunlError('dns_error', 'there is no address to connect to', { phase: 'dns' });
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    const failures: unknown[] = [];
    let started = 0;
    let settled = false;
    let timer: NodeJS.Timeout | undefined;

    const settle = (act: () => void) => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      losers.abort(outrun);
      act();
    };
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const startNext = () => {
      clearTimeout(timer);
      const ip = ips[started];
      if (settled || ip === undefined) return;
      const order = started++;
      timer = setTimeout(startNext, attemptDelayMs);
      attempt(ip, losers.signal).then(
        (link) => (settled ? link.reset(resetError('another address answered first')) : settle(() => resolve(link))),
        (error: unknown) => {
          if (settled) return;
          failures[order] = error;
          if (Object.keys(failures).length === ips.length) settle(() => reject(failures[0] as Error));
          else startNext();
        },
      );
    };

    signal.addEventListener('abort', onAbort, { once: true });
    startNext();
  });
}
