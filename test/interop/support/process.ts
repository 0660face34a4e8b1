import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { guardGroup, releaseGroup, workspace } from './workspace.ts';

/** A program with its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to an environment that has no proxy variables and no configuration of the user's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The end of a program: its status, or the signal that ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was started; the guard of the workspace ends it if nobody else does. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  isRunning(): boolean;
  stdout(): Buffer;
  stderr(): string;
  /** Resolves with what `find` returns once it returns something; asked again whenever there is output. */
  waitFor<T>(what: string, find: () => T | undefined): Promise<T>;
  /** Asks the program to end, then makes it. */
  stop(): Promise<Ended>;
}

/** The options for running a program to its end. */
export interface RunOptions {
  /** The input of the program: bytes, or a file descriptor. */
  readonly input?: string | Buffer | number;
  /** Receives the output, which is then missing from the result. */
  readonly output?: Writable;
  readonly limitMs?: number;
}

/** A program that ran to its end. */
export interface Result extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

// Long enough for a loaded machine; reached only when a test fails.
const waitLimitMs = 20_000;
const stopLimitMs = 5000;

/** The environment of everything the tests start. */
const plainEnv: Readonly<Record<string, string>> = {
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: workspace,
  TMPDIR: workspace,
  SHELL: '/bin/sh',
  LC_ALL: 'C.UTF-8',
  // The mark by which a CI run finds what was left running.
  ...(process.env['TUNL_CI_RUN'] !== undefined && { TUNL_CI_RUN: process.env['TUNL_CI_RUN'] }),
};

/** Starts a program in a process group of its own. */
export function launch(command: Command, input: 'pipe' | number = 'pipe', output?: Writable): Running {
  const child = spawn(command.file, command.args, {
    env: { ...plainEnv, ...command.env },
    cwd: command.cwd ?? workspace,
    stdio: [input, 'pipe', 'pipe'],
    detached: true,
  });
  const group = child.pid;
  if (group !== undefined) guardGroup(group);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  if (output) child.stdout?.pipe(output);
  else child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that ends without reading its input is judged by its status.
  child.stdin?.on('error', () => {});
  const readStderr = () => Buffer.concat(stderr).toString();
  const describe = () => `${[command.file, ...command.args].join(' ')}\n${readStderr().slice(-4000)}`;

  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (group !== undefined) endGroup(group);
      resolve({ code, signal });
    });
  });
  ended.catch(() => {});

  return {
    child,
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null && group !== undefined,
    stdout: () => Buffer.concat(stdout),
    stderr: readStderr,
    waitFor: (what, find) => waitForOutput(child, find, (why) => new Error(`${why}: no ${what} from ${describe()}`)),
    stop: async () => {
      const timer = setTimeout(() => group !== undefined && signalGroup(group, 'SIGKILL'), stopLimitMs);
      if (group !== undefined) signalGroup(group, 'SIGTERM');
      return ended.finally(() => clearTimeout(timer));
    },
  };
}

/**
 * Runs a program to its end, whatever its status.
 * @throws {Error} with the program's own words, when it does not end in time
 */
export async function run(command: Command, options: RunOptions = {}): Promise<Result> {
  const { input = '', output, limitMs = 60_000 } = options;
  const running = launch(command, typeof input === 'number' ? input : 'pipe', output);
  if (typeof input !== 'number') running.child.stdin?.end(input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void running.stop();
  }, limitMs);
  const ended = await running.ended.finally(() => clearTimeout(timer));
  if (output && !output.writableFinished) await once(output, 'finish');
  const stderr = running.stderr();
  if (late) throw new Error(`not done within ${limitMs} ms: ${command.file} ${command.args.join(' ')}\n${stderr}`);
  return { ...ended, stdout: running.stdout().toString(), stderr };
}

async function waitForOutput<T>(
  child: ChildProcess,
  find: () => T | undefined,
  fail: (why: string) => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.stderr?.off('data', look);
      child.off('close', giveUp);
      act();
    };
    const look = () => {
      const found = find();
      if (found !== undefined) finish(() => resolve(found));
    };
    const giveUp = () => finish(() => reject(fail('it ended')));
    const timer = setTimeout(() => finish(() => reject(fail(`${waitLimitMs} ms passed`))), waitLimitMs);
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', giveUp);
    look();
  });
}

/** Ends what a program left running, and lets go of its group. */
function endGroup(group: number): void {
  signalGroup(group, 'SIGKILL');
  releaseGroup(group);
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group is gone.
  }
}
