import { setImmediate } from 'node:timers/promises';
import { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Scope } from '../../core/scope.ts';
import type { Running } from '../runtime.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** The interval, in milliseconds, at which we look for tunnels that come up late. */
const lookMs = 100;

/** The number of intervals after which a warning says that we are waiting. */
const patience = 15;

/** The parts of the runtime that end with a command. */
export interface CommandRuntime {
  readonly scope: Scope;
  readonly emit: EventSink;
}

/**
 * Ends a forward whose command has ended. Bytes that the command sent still arrive, within the grace period: pending
 * connections are accepted, and a tunnel is closed once its target has ended or nothing is in transit. Nobody is left
 * to read bytes from targets.
 */
export async function endWithCommand({ tunnels, done }: Running, { scope, emit }: CommandRuntime): Promise<void> {
  await acceptAll(tunnels);
  scope.drain(endOfCommand());
  let looks = 0;
  const leaveAll = () => {
    for (const { handle } of tunnels) handle?.leave(endOfCommand());
  };
  leaveAll();
  const timer = setInterval(() => {
    // Some tunnels may have come up only now.
    leaveAll();
    if (++looks === patience && tunnels.size > 0)
      emit({ event: 'notice', level: 'warning', message: formatWait(tunnels.size) });
  }, lookMs);
  await done;
  clearInterval(timer);
}

/**
 * Waits until pending connections are accepted. Each turn of the event loop accepts only one from each listener, and
 * the end of the command may be reported before or after the last of them.
 */
async function acceptAll(tunnels: Tunnels): Promise<void> {
  let asked: number;
  do {
    asked = tunnels.asked;
    await setImmediate();
    await setImmediate();
  } while (tunnels.asked > asked);
}

/** Ends a forward at once after its command was killed, because there is nothing left to wait for. */
export async function cutWithCommand({ done }: Running, { scope }: CommandRuntime): Promise<void> {
  scope.force(endOfCommand());
  await done;
}

function endOfCommand(): TunlError {
  return new TunlError('interrupted', 'the command has ended', { side: 'self', phase: 'relay' });
}

function formatWait(count: number): string {
  return `the command has ended; waiting for ${count === 1 ? '1 tunnel' : `${count} tunnels`} to finish`;
}
