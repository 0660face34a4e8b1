import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { type TunlError, usageError } from '../../core/errors.ts';
import { decodeOctets } from '../../core/octets.ts';
import { commandEnvironment } from '../../core/environment.ts';
import { describeFileError } from '../../syntax/password-file.ts';
import { readHidden } from './prompt.ts';
import { catchEndSignals } from './signals.ts';
import { quote } from '../../syntax/text.ts';

/** Asks the user for a secret. Resolves with undefined if there is nobody to ask. */
export type Ask = (question: string) => Promise<string | undefined>;

/** Options of questions. */
export interface AskOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Shows the messages of the SSH_ASKPASS program beside ours, or hides them. */
  readonly askpassStderr: 'inherit' | 'ignore';
}

/** Longest answer of a program, in bytes. */
const maxAnswerBytes = 64 * 1024;

/**
 * Makes a function that asks as ssh does: on the terminal, or if there is none with the program of SSH_ASKPASS.
 * SSH_ASKPASS_REQUIRE may be `prefer` or `force` to use the program, or `never`. stdin is not read, because it may be
 * the data of a tunnel. SSH_ASKPASS needs no DISPLAY, as in git.
 * @throws {TunlError} usage, if there was no answer; interrupted, if a signal came
 */
export function createAsk({ env, askpassStderr }: AskOptions): Ask {
  const require = env['SSH_ASKPASS_REQUIRE']?.toLowerCase();
  const program = require === 'never' ? undefined : env['SSH_ASKPASS'] || undefined;
  return async (question) => {
    if (program !== undefined && (require === 'force' || require === 'prefer')) {
      return runAskpass(program, question, { env, askpassStderr });
    }
    const terminal = openTerminal();
    if (terminal !== undefined) return readHidden(terminal, question);
    return program === undefined ? undefined : runAskpass(program, question, { env, askpassStderr });
  };
}

/** Opens the controlling terminal, if there is one. */
function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}

function runAskpass(program: string, question: string, { env, askpassStderr }: AskOptions): Promise<string> {
  return readAnswer(program, [question], {
    env,
    stderr: askpassStderr,
    name: `the program of SSH_ASKPASS, ${quote(program)},`,
  });
}

/** How a program that gives a secret is run, and what messages call it. */
export interface AnswerOptions {
  readonly env: AskOptions['env'];
  readonly stderr: 'inherit' | 'ignore';
  readonly name: string;
  /** The time that it has, and the name of its limit; absent for a person, who may take their time. */
  readonly limit?: { readonly ms: number; readonly name: string };
}

/**
 * Runs a program without stdin and without our passwords in its environment, and returns the first line of what it
 * prints.
 * @throws {TunlError} usage, if it fails, prints too much or takes too long; interrupted, if a signal came
 */
export function readAnswer(
  program: string,
  words: readonly string[],
  { env, stderr, name, limit }: AnswerOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { env: commandEnvironment(env), stdio: ['ignore', 'pipe', stderr] });
    const timer =
      limit && limit.ms > 0
        ? setTimeout(() => fail(`not within ${limit.ms / 1000} s (${limit.name})`), limit.ms)
        : undefined;
    const settle = () => {
      stopCatching();
      clearTimeout(timer);
    };
    const abandon = (error: TunlError) => {
      settle();
      child.kill();
      // A program that it started may hold the pipe open for ever.
      child.stdout?.destroy();
      reject(error);
    };
    const stopCatching = catchEndSignals(abandon);
    const fail = (why: string) => abandon(usageError(`${name} gave no password: ${why}`));
    const answer: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      answer.push(chunk);
      size += chunk.length;
      if (size > maxAnswerBytes) fail(`its answer has more than ${maxAnswerBytes} bytes`);
    });
    child.once('error', (error) => fail(describeFileError(error)));
    child.once('close', (status, signal) => {
      if (status !== 0) return fail(status === null ? `ended by ${signal}` : `status ${status}`);
      settle();
      resolve(decodeOctets(Buffer.concat(answer)).split(/\r?\n/, 1)[0] ?? '');
    });
  });
}
