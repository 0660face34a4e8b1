import { type ErrorCode, TunlError } from '../core/errors.ts';
import { backOff, pause } from '../core/waiting.ts';

/** The statuses with which a hop says that it will not change its mind. */
const refusals: ReadonlySet<number | undefined> = new Set([401, 407]);

/** The status for a stream that the far end does not know, or no more. */
const unknownStatus = 404;

/** Failures that lie with this process. */
const own: ReadonlySet<ErrorCode> = new Set(['usage', 'internal', 'interrupted']);

/**
 * True for a failure after which it is useless to dial the far end of a stream again.
 * @param index the position of the far end among the hops; undefined while failures of its own have none
 */
export function isFinalFailure(error: unknown, index: number | undefined): boolean {
  if (!(error instanceof TunlError)) return true;
  const { received, hop } = error.facts;
  if (received === unknownStatus && hop?.index === index) return true;
  return refusals.has(received) || own.has(error.code);
}

/** Waits before an attempt: not at all before the first, which is all that a single cut needs. */
export async function pauseBeforeDial(attempt: number, signal: AbortSignal): Promise<void> {
  if (attempt > 1) await pause(backOff(attempt - 2, Math.random()), signal);
}
