import { constants } from 'node:os';
import process from 'node:process';
import { TunlError } from '../../core/errors.ts';
import type { Scope } from '../../core/scope.ts';
import type { Io } from '../terminal/io.ts';
import { hasTerminalGone } from '../terminal/terminal.ts';

const endSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
type EndSignal = (typeof endSignals)[number];

/** The first signal that asked the program to end. */
export interface Interruption {
  /** Exit status for the signal: 128 and its number; undefined before the first. */
  readonly exit: () => number | undefined;
  /** True if the terminal went away; the exit status is then that of the signal, even after a clean end. */
  readonly hungUp: () => boolean;
}

/** Time after a SIGHUP in which its terminal may still seem to exist, because the signal is sent first. */
const partingMs = 100;

/**
 * Handles signals for commands that listen: the first one drains the scope, the second one forces it. SIGHUP counts
 * unless `onHangup` handles it. If the terminal has hung up, SIGHUP always drains but never forces, because the shell
 * and the kernel both send it.
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

/** A receiver of signals: the command of `forward`. */
export interface SignalReceiver {
  signal(signal: NodeJS.Signals): void;
}

/**
 * Handles signals for `forward -- COMMAND`: while the command runs, it gets them. Before that, the first one drains the
 * scope and the second one forces it; after the command has ended, each one forces it.
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

/** The end of `connect` by a signal. */
export interface Ending extends Pick<Interruption, 'exit'> {
  /** Resolves with the exit status once the command must end; never without a signal. */
  readonly now: Promise<number>;
}

/** Time for a tunnel to end cleanly after its user has gone. */
const orderMs = 1000;

/**
 * Handles signals for `connect`. SIGHUP, which ssh sends when it ends, drains the scope and forces it a second later;
 * any other signal, and any second one, forces it at once.
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
 * Handles signals during a question: a signal that asks the program to end calls `onSignal` with its error, until the
 * returned function is called.
 */
export function catchEndSignals(onSignal: (reason: TunlError) => void): () => void {
  const listeners = endSignals.map((signal) => {
    const listener = () => onSignal(interruptedBy(signal));
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => listeners.forEach((stop) => stop());
}

/** Ignores SIGUSR1, for which Node would open its inspector on a local port. */
function ignoreInspector(io: Io): void {
  io.on('SIGUSR1', () => {});
}

function exitFor(signal: EndSignal): number {
  return 128 + constants.signals[signal];
}

/** Makes the error for a program that a signal ended. */
export function interruptedBy(signal: EndSignal): TunlError {
  return new TunlError('interrupted', `interrupted by ${signal}`, { side: 'self', exit: exitFor(signal) });
}
