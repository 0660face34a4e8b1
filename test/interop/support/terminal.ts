import { type Command, launch, type Running } from './process.ts';

/** A program on a terminal of its own. */
export interface TerminalRun extends Running {
  /** Presses keys; `\u0003` is Ctrl-C. */
  type(keys: string): void;
  /** Resolves with the first match in what the terminal shows. */
  waitForScreen(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs a program on a pseudo-terminal. Its status is that of the run. */
export function launchInTerminal({ file, args, env }: Command): TerminalRun {
  const line = [file, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  // exec: otherwise a shell of its own would stand between the terminal and the program.
  const running = launch({
    file: 'script',
    args: ['--quiet', '--return', '--command', `exec ${line}`, '/dev/null'],
    env: { TERM: 'xterm', ...env },
  });
  return {
    ...running,
    type: (keys) => void running.child.stdin?.write(keys),
    waitForScreen: (pattern) =>
      running.waitFor(String(pattern), () => pattern.exec(running.stdout().toString()) ?? undefined),
  };
}
