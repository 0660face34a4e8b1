import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { type TunlError, usageError } from '../core/errors.ts';
import { decodeOctets } from '../core/octets.ts';
import { withoutSecrets } from './child-env.ts';
import { describeFileError } from '../words/password-file.ts';
import { readHidden } from './prompt.ts';
import { catchEndSignals } from './signals.ts';
import { quote } from '../words/text.ts';

/** Asks a person for a secret. Resolves with undefined when there is nobody to ask. */
export type Ask = (question: string) => Promise<string | undefined>;

/** How to ask. */
export interface AskOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the program of SSH_ASKPASS says: shown beside our messages, or not at all. */
  readonly askpassStderr: 'inherit' | 'ignore';
}

/** Longest answer that is read from the program of SSH_ASKPASS, in bytes. */
const maxAnswerBytes = 64 * 1024;

/**
 * Asks as ssh does: on the terminal, or without one through the program of SSH_ASKPASS.
 * SSH_ASKPASS_REQUIRE makes it `prefer` or `force` the program, or `never` use it. stdin is never
 * read: it may be the data of a tunnel. SSH_ASKPASS needs no DISPLAY, as with git.
 * @throws {TunlError} usage, when nothing was answered; interrupted, when a signal came instead
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

/** A descriptor of the controlling terminal, when there is one. */
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
      // A program that it has started may write on for ever.
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
