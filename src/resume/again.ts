import { type DialContext, laterContext } from '../core/dialer.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
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

/** Returns the context of an attempt, which counts from 1 for each that follows the first dial of its tunnel. */
export function attemptContext(ctx: DialContext, attempt: number, signal: AbortSignal): DialContext {
  // A connection that hung is not used again.
  return attempt === 0 ? ctx : { ...laterContext(ctx, signal), fresh: attempt > 1 };
}

/** How a far end is asked for a transport, and what it has answered. */
interface Asking {
  readonly ctx: DialContext;
  /** The fields of its last answer, which is the one that opens the transport; none before. */
  readonly answer: readonly HeaderField[];
}

/**
 * Prepares to ask a far end for a transport with this field, or for a stream of its carrier's own without one.
 * @param index the position of the far end among the hops
 */
export function askWith(field: HeaderField | undefined, ctx: DialContext, index: number): Asking {
  let answer: readonly HeaderField[] = [];
  const onAnswer: DialContext['onAnswer'] = (given) => {
    if (given.hop === index) answer = given.headers;
    ctx.onAnswer?.(given);
  };
  return {
    ctx: { ...ctx, ...(field && { fields: [field] }), onAnswer },
    get answer() {
      return answer;
    },
  };
}

/** Waits before an attempt: not at all before the first, which is all that a single cut needs. */
export async function pauseBeforeDial(attempt: number, signal: AbortSignal): Promise<void> {
  if (attempt > 1) await pause(backOff(attempt - 2, Math.random()), signal);
}
