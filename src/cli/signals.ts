import { constants } from 'node:os';
import process from 'node:process';
import { TunlError } from '../core/errors.ts';
import type { Scope } from '../core/scope.ts';
import type { Io } from './io.ts';
import { hasTerminalGone } from './terminal.ts';

const endSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
type EndSignal = (typeof endSignals)[number];

/** The first signal that asked the program to end. */
export interface Interruption {
  /** Status of a program that the signal ended: 128 and its number; undefined before the first. */
  readonly exit: () => number | undefined;
  /** True when it was the terminal that went away: then the status is that one, however well everything ended. */
  readonly hungUp: () => boolean;
}

/** How long after a SIGHUP its terminal may still seem to be there: who ends a session signals before letting go of it. */
const partingMs = 100;

/**
 * For programs that listen: the first signal drains the scope, the second forces it. SIGHUP is one
 * of them unless `onHangup` makes it something else; it is always one where the terminal has hung up,
 * and then it does not force: shell and kernel both send it.
 */
export function drainOnSignals(
  io: Io,
  scope: Scope,
  onHangup?: () => void,
  isTerminalGone: () => boolean = hasTerminalGone,
): Interruption {
  let first: EndSignal | undefined;
  let hungUp = false;
  const onSignal = (signal: EndSignal) => {
    const reason = interruptedBy(signal);
    if (first === undefined) {
      first = signal;
      scope.drain(reason);
    } else {
      scope.force(reason);
    }
  };
  const isHangup = () => {
    const isFirst = !hungUp && first === undefined;
    hungUp ||= isTerminalGone();
    if (hungUp && isFirst) onSignal('SIGHUP');
    return hungUp;
  };
  ignoreInspector(io);
  io.on('SIGINT', () => onSignal('SIGINT'));
  io.on('SIGTERM', () => onSignal('SIGTERM'));
  io.on('SIGHUP', () => {
    if (isHangup()) return;
    if (!onHangup) return onSignal('SIGHUP');
    onHangup();
    setTimeout(isHangup, partingMs).unref();
  });
  return {
    exit: () => (first === undefined ? undefined : exitFor(first)),
    hungUp: () => hungUp && first === 'SIGHUP',
  };
}

/** What signals are passed on to. */
export interface SignalReceiver {
  signal(signal: NodeJS.Signals): void;
}

/**
 * For `forward -- COMMAND`: while the command runs, signals are its own. Before that the first drains
 * the scope and the second forces it; once the command has ended, each forces it.
 */
export function passSignals(
  io: Io,
  scope: Scope,
  findCommand: () => SignalReceiver | undefined,
): Pick<Interruption, 'exit'> {
  let first: EndSignal | undefined;
  ignoreInspector(io);
  for (const signal of endSignals) {
    io.on(signal, () => {
      const command = findCommand();
      if (command) return command.signal(signal);
      first ??= signal;
      if (scope.draining.aborted) scope.force(interruptedBy(signal));
      else scope.drain(interruptedBy(signal));
    });
  }
  return { exit: () => (first === undefined ? undefined : exitFor(first)) };
}

/** How a signal ends `connect`. */
export interface Ending extends Pick<Interruption, 'exit'> {
  /** Resolves with the exit status when it is to end now, and never without a signal. */
  readonly now: Promise<number>;
}

/** How long a tunnel whose user has gone may take to end in good order. */
const orderMs = 1000;

/**
 * For `connect`: SIGHUP, which ssh sends as it goes, drains the scope and forces it a second later; every other signal,
 * and a second one, forces it at once.
 */
export function endOnSignals(io: Io, scope: Scope): Ending {
  let first: EndSignal | undefined;
  ignoreInspector(io);
  const now = new Promise<number>((resolve) => {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      io.on(signal, () => {
        const isFirst = first === undefined;
        first ??= signal;
        const status = exitFor(first);
        const reason = interruptedBy(first);
        const end = () => {
          scope.force(reason);
          resolve(status);
        };
        if (!isFirst || signal !== 'SIGHUP') return end();
        scope.drain(reason);
        setTimeout(end, orderMs).unref();
      });
    }
  });
  return { now, exit: () => (first === undefined ? undefined : exitFor(first)) };
}

/**
 * For the time of a question: a signal that asks the program to end calls back, with the failure
 * that it is. Calling the returned function ends that time.
 */
export function catchEndSignals(onSignal: (reason: TunlError) => void): () => void {
  const listeners = endSignals.map((signal) => {
    const listener = () => onSignal(interruptedBy(signal));
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => listeners.forEach((stop) => stop());
}

/** Node would open its inspector on a local port. */
function ignoreInspector(io: Io): void {
  io.on('SIGUSR1', () => {});
}

function exitFor(signal: EndSignal): number {
  return 128 + constants.signals[signal];
}

/** The failure of a program that a signal ended. */
export function interruptedBy(signal: EndSignal): TunlError {
  return new TunlError('interrupted', `interrupted by ${signal}`, { side: 'self', exit: exitFor(signal) });
}
