import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { type TunlError, usageError } from '../../core/errors.ts';
import { decodeOctets } from '../../core/octets.ts';
import { withoutSecrets } from './child-env.ts';
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

/** Longest answer of the SSH_ASKPASS program, in bytes. */
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
  return new Promise((resolve, reject) => {
    const child = spawn(program, [question], {
      env: withoutSecrets(env),
      stdio: ['ignore', 'pipe', askpassStderr],
    });
    const abandon = (error: TunlError) => {
      stopCatching();
      child.kill();
      // A program that it started may hold the pipe open for ever.
      child.stdout?.destroy();
      reject(error);
    };
    const stopCatching = catchEndSignals(abandon);
    const fail = (why: string) =>
      abandon(usageError(`the program of SSH_ASKPASS, ${quote(program)}, gave no password: ${why}`));
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
      stopCatching();
      resolve(decodeOctets(Buffer.concat(answer)).split(/\r?\n/, 1)[0] ?? '');
    });
  });
}
