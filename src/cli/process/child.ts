import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { TunlError } from '../../core/errors.ts';
import { commandEnvironment } from '../../core/environment.ts';
import { quote } from '../../syntax/text.ts';

/** A running command. It has the terminal, stdin and the signals of the terminal. */
export interface Child {
  /** Passes a signal on, unless the terminal has also sent it to the command. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves with its end; rejects with a TunlError if it could not be started. */
  readonly ended: Promise<ChildEnd>;
}

/** The end of a command. */
export interface ChildEnd {
  /** Its exit status, or 128 and the number of the signal that killed it. */
  readonly status: number;
  readonly killed: boolean;
}

/**
 * Starts a command with our stdin, stdout and stderr, and without our passwords in its environment.
 * @throws {TunlError} command_not_found or command_unusable, at once or from `ended`
 */
export function startChild(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Child {
  const [file = '', ...args] = words;
  let child: ChildProcess;
  try {
    child = spawn(file, args, { stdio: 'inherit', env: commandEnvironment(env) });
  } catch (error) {
    // Node throws some errors and emits others.
    throw startError(file, error as NodeJS.ErrnoException);
  }
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', (error) => reject(startError(file, error)));
    child.once('exit', (code, signal) =>
      resolve(
        signal === null
          ? { status: code ?? 1, killed: false }
          : { status: 128 + constants.signals[signal], killed: true },
      ),
    );
  });
  return {
    ended,
    signal: (signal) => {
      if (!(terminalSignals.has(signal) && isForeground())) child.kill(signal);
    },
  };
}

/** Signals that a terminal sends to all processes in its foreground. */
const terminalSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** True if we are in the foreground of the terminal, whose keys then signal the command too. */
function isForeground(): boolean {
  try {
    // proc(5): pid (comm) state ppid pgrp session tty_nr tpgid …; comm may contain any characters.
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return [0, 1, 2].some((fd) => isatty(fd));
  }
}

/** Makes the error for a command that cannot start, with the statuses of env(1): 127 if it does not exist, else 126. */
function startError(file: string, error: NodeJS.ErrnoException): TunlError {
  const facts = { side: 'self', cause: error } as const;
  if (error.code === 'ENOENT') {
    const hint = file.includes('/')
      ? 'the file, or the interpreter in its first line, does not exist'
      : 'it is in no folder of PATH';
    return new TunlError('command_not_found', `cannot run ${quote(file)}: no such program`, {
      ...facts,
      hints: [hint],
    });
  }
  const reasons: Record<string, string> = {
    EACCES: 'it is not executable',
    ENOTDIR: 'a part of its path is not a folder',
    ENOEXEC: 'it is not a program',
    E2BIG: 'its arguments are too long',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  // The system cannot start another process, which is not the command's fault.
  const exit = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'].includes(error.code ?? '') ? { exit: 125 } : {};
  return new TunlError('command_unusable', `cannot run ${quote(file)}: ${reason}`, { ...facts, ...exit });
}
