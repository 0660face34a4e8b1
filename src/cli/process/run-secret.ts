import { passwordCommandName } from '../../syntax/password-file.ts';
import { quote } from '../../syntax/text.ts';
import { type AskOptions, readAnswer } from './ask.ts';

/** The answers of commands, so that each is run once in this process. */
const answers = new Map<string, Promise<string>>();

/**
 * Runs a command by `sh -c`, once in this process, without stdin, and returns its first line.
 * @param limitMs the time that it has, that of a handshake
 * @throws {TunlError} usage, if it fails or takes too long; interrupted, if a signal came
 */
export function runPasswordCommand(
  command: string,
  { env, askpassStderr: stderr }: AskOptions,
  limitMs: number,
): Promise<string> {
  const name = `${passwordCommandName} ${quote(command)}`;
  const limit = { ms: limitMs, name: '--handshake-timeout' };
  const answer = answers.get(command) ?? readAnswer('sh', ['-c', command], { env, stderr, name, limit });
  answers.set(command, answer);
  return answer;
}
