import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { TunlError } from '../core/errors.ts';
import { withoutSecrets } from './child-env.ts';
import { quote } from '../words/text.ts';

/** A command that runs. Terminal, stdin and the signals of the terminal are its own. */
export interface Child {
  /** Passes a signal on, unless the terminal has sent it to the command as well. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves with how it ended; rejects with a TunlError when it could not be started. */
  readonly ended: Promise<ChildEnd>;
}

/** How a command ended. */
export interface ChildEnd {
  /** Its own status, or 128 and the number of the signal that killed it. */
  readonly status: number;
  readonly killed: boolean;
}

/**
 * Starts a command on our own stdin, stdout and stderr. Our passwords are not in its environment.
 * @throws {TunlError} command_not_found or command_unusable, at once or from `ended`
 */
export function startChild(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Child {
  const [file = '', ...args] = words;
  let child: ChildProcess;
  try {
    child = spawn(file, args, { stdio: 'inherit', env: withoutSecrets(env) });
  } catch (error) {
    // Node throws some of the reasons and emits the others.
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

/** What a terminal sends to all processes in its foreground. */
const terminalSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** True when a key of our terminal signals us: then it has signalled the command as well. */
function isForeground(): boolean {
  try {
    // proc(5): pid (comm) state ppid pgrp session tty_nr tpgid …, where comm may hold anything.
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return [0, 1, 2].some((fd) => isatty(fd));
  }
}

/** The statuses of env(1): 127 when there is no such program, 126 when it cannot be run. */
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
  // The system has no room for another process: that is not the command's fault.
  const exit = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'].includes(error.code ?? '') ? { exit: 125 } : {};
  return new TunlError('command_unusable', `cannot run ${quote(file)}: ${reason}`, { ...facts, ...exit });
}
