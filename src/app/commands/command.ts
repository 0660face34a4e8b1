import { setImmediate } from 'node:timers/promises';
import { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Scope } from '../../core/scope.ts';
import type { Running } from '../runtime.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** How often tunnels that come up late are looked for. */
const lookMs = 100;

/** Looks after which it is said that we are waiting. */
const patience = 15;

/** What ends with a command. */
export interface CommandRuntime {
  readonly scope: Scope;
  readonly emit: EventSink;
}

/**
 * Ends a forward whose command has ended. What the command has sent still arrives, within the grace: connections that
 * were made are accepted, and a tunnel is closed once its target has ended or nothing of it is under way. Nobody is
 * left to read what comes.
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
    // Some may have come up only now.
    leaveAll();
    if (++looks === patience && tunnels.size > 0)
      emit({ event: 'notice', level: 'warning', message: formatWait(tunnels.size) });
  }, lookMs);
  await done;
  clearInterval(timer);
}

/**
 * Waits for the connections that were made before. Each round of the loop takes one of each listener
 * only, and the end of a process may be told before or after the last of them.
 */
async function acceptAll(tunnels: Tunnels): Promise<void> {
  let asked: number;
  do {
    asked = tunnels.asked;
    await setImmediate();
    await setImmediate();
  } while (tunnels.asked > asked);
}

/** Ends a forward whose command was killed: nobody is left to wait for. */
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
