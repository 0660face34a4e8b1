import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The built program: `npm test` builds it first. */
export const program: string = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

/** The limit for each wait, in milliseconds. */
const patienceMs = 40_000;

/** The result of a run of the program. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of the program that may not have ended yet. */
export interface Tunl {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the first match in stderr. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
}

/** The options for starting the program. */
export interface StartOptions {
  /** Descriptors from 3 on. */
  readonly extra?: readonly ('pipe' | 'ignore')[];
  /** True to start it in a session of its own, without a terminal. */
  readonly detached?: boolean;
}

/** Starts the program with its own environment, so that ours has no effect. */
export function startTunl(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  { extra = [], detached = false }: StartOptions = {},
): Tunl {
  const child = spawn(process.execPath, [program, ...words], {
    env: { PATH: process.env['PATH'], TUNL_CONFIG: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe', ...extra],
    detached,
  }) as ChildProcessWithoutNullStreams;
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => (text[name] += chunk));
  }
  // A program that has ended no longer reads.
  child.stdin.on('error', () => {});
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
    clearTimeout(timer);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...text };
  });
  return { child, ended, waitFor: (pattern) => waitFor(pattern, child, () => text.stderr) };
}

/** Runs the program to its end with nothing on stdin. */
export function runTunl(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { child, ended } = startTunl(words, env);
  child.stdin?.end();
  return ended;
}

function waitFor(pattern: RegExp, child: ChildProcess, said: () => string): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.stderr?.off('data', check);
      child.off('close', onClose);
      act();
    };
    const check = () => {
      const match = pattern.exec(said());
      if (match) settle(() => resolve(match));
    };
    const onClose = () => {
      check();
      settle(() => reject(new Error(`it ended before it said ${pattern}: ${said()}`)));
    };
    child.stderr?.on('data', check);
    child.once('close', onClose);
    check();
  });
}
