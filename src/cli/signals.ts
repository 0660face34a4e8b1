import { constants } from 'node:os';
import process from 'node:process';
import { TunlError } from '../core/errors.ts';
import type { Scope } from '../core/scope.ts';
import type { Io } from './io.ts';

const endSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
type EndSignal = (typeof endSignals)[number];

/** The first signal that asked the program to end. */
export interface Interruption {
  /** Status of a program that the signal ended: 128 and its number; undefined before the first. */
  readonly exit: () => number | undefined;
}

/**
 * For programs that listen: the first signal drains the scope, the second forces it. SIGHUP is one
 * of them unless `onHangup` makes it something else.
 */
export function drainOnSignals(io: Io, scope: Scope, onHangup?: () => void): Interruption {
  let first: EndSignal | undefined;
  const onSignal = (signal: EndSignal) => {
    const reason = interruptedBy(signal);
    if (first === undefined) {
      first = signal;
      scope.drain(reason);
    } else {
      scope.force(reason);
    }
  };
  ignoreInspector(io);
  io.on('SIGINT', () => onSignal('SIGINT'));
  io.on('SIGTERM', () => onSignal('SIGTERM'));
  io.on('SIGHUP', onHangup ?? (() => onSignal('SIGHUP')));
  return { exit: () => (first === undefined ? undefined : exitFor(first)) };
}

/** What signals are passed on to. */
export interface SignalReceiver {
  signal(signal: NodeJS.Signals): void;
}

/**
 * For `forward -- COMMAND`: while the command runs, signals are its own. Before that the first drains
 * the scope and the second forces it; once the command has ended, each forces it.
 */
export function passSignals(io: Io, scope: Scope, findCommand: () => SignalReceiver | undefined): Interruption {
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

/**
 * For `connect`: the first signal ends everything at once. Resolves with the exit status, and never
 * without a signal.
 */
export function endOnSignals(io: Io, scope: Scope): Promise<number> {
  ignoreInspector(io);
  return new Promise((resolve) => {
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      io.on(signal, () => {
        scope.force(interruptedBy(signal));
        resolve(exitFor(signal));
      });
    }
  });
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

function interruptedBy(signal: EndSignal): TunlError {
  return new TunlError('interrupted', `interrupted by ${signal}`, { side: 'self', exit: exitFor(signal) });
}
