import type { RunningInstance } from '../../app/commands/options.ts';

/** The parts of a process that runs in the background, or is about to. */
export interface Background extends RunningInstance {
  readonly name: string;
  /** Opens the log, for a program that is about to start. @throws the error of the file system */
  openLog(): Promise<number>;
  /** Asks the user by the process that started this one; undefined if there is nobody to ask. */
  ask(question: string): Promise<string | undefined>;
  /** Runs a command for a secret in the process that started this one; undefined once that is gone. */
  runForSecret(command: string, limitMs: number): Promise<string> | undefined;
}

/** The parts of its process that the program uses. Tests pass their own. */
export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Present in a process that `--detach` has started. */
  readonly background?: Background;
  on(event: NodeJS.Signals, listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
}

/** The widest text that is easy to read, and the width of a terminal that tells none. */
const [maxColumns, usualColumns] = [100, 80];

/** Returns the columns for text on stdout. A pager gets those of the terminal that stderr still leads to. */
export function textColumns({ stdout, stderr, env }: Io): number {
  const said = [stdout.columns, stderr.columns, Number(env['COLUMNS'])];
  return Math.min(said.find((columns) => columns > 0) ?? usualColumns, maxColumns);
}
