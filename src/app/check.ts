import { type Address, formatAddress } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import type { EventSink } from '../core/events.ts';
import { reportProgress } from './tunnel.ts';

/** What a check is run with. */
export interface CheckRuntime {
  readonly emit: EventSink;
  /** Aborting it ends the check. */
  readonly signal: AbortSignal;
}

/**
 * Dials every target once, all at the same time, and lets go of it again without sending anything.
 * @throws {TunlError} why the first of them, in their order, is not reached
 */
export async function checkTargets(dial: Dial, targets: readonly Address[], runtime: CheckRuntime): Promise<void> {
  const outcomes = await Promise.allSettled(targets.map((target) => checkTarget(dial, target, runtime)));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}

async function checkTarget(dial: Dial, target: Address, { emit, signal }: CheckRuntime): Promise<void> {
  const { stream } = await dial(target, { signal, target, origin: { peer: {} }, ...reportProgress(emit) });
  // A clean end: to the target this is a client that left.
  stream.resume().end(() => stream.destroy());
  emit({ event: 'notice', level: 'verbose', message: `${formatAddress(target)} can be reached` });
}
