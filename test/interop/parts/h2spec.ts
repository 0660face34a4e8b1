import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, type Result, run } from '../support/process.ts';
import { cacheFolder } from '../support/workspace.ts';

/** The path at which setup.sh installs h2spec. */
const program = join(cacheFolder, 'h2spec');

/** False where there was no Go when setup.sh ran, or where it could not fetch h2spec. */
export const hasH2spec: boolean = existsSync(program);

/** The result of a run of h2spec. */
export interface Verdict {
  readonly cases: number;
  /** The others, each with its result and its number, as `failed http2/3.5/2`. */
  readonly notPassed: readonly string[];
  /** A line for each of them that says what it is about, and what went wrong. */
  readonly story: string;
}

/** Runs all cases for servers against this port of 127.0.0.1. */
export async function judgeServer(port: number, security: 'clear' | 'tls'): Promise<Verdict> {
  // No case waits for silence. One of them opens all streams there may be, and the next begins while they are answered.
  const patience = ['-timeout', '10s'];
  return readVerdict(await runProgram([...patience, '-port', String(port), ...(security === 'tls' ? ['-tls'] : [])]));
}

/** Runs all cases for clients. The command is started for each, with the port where it says PORT. */
export async function judgeClient({ file, args }: Command): Promise<Verdict> {
  return readVerdict(await runProgram(['--', file, ...args]));
}

function runProgram(args: readonly string[]): Promise<Result> {
  return run({ file: program, args }, { limitMs: 110_000 });
}

function readVerdict({ code, stdout, stderr }: Result): Verdict {
  if (code !== 0) throw new Error(`h2spec ended with ${code}: ${stderr}`);
  const lines = stdout.trim().split('\n');
  const notPassed = lines.filter((line) => !line.startsWith('passed '));
  return {
    cases: lines.length,
    notPassed: notPassed.map((line) => line.split(' ', 2).join(' ')),
    story: notPassed.join('\n'),
  };
}
