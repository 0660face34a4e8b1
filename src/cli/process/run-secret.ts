import { passwordCommandName } from '../../syntax/password-file.ts';
import { quote } from '../../syntax/text.ts';
import { type AskOptions, readAnswer } from './ask.ts';

/** The answers of commands, so that none is run again in this process once it has given one. */
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
  const known = answers.get(command);
  if (known) return known;
  const answer = readAnswer('sh', ['-c', command], { env, stderr, name, limit });
  answers.set(command, answer);
  // A failure may be over when the configuration is read again.
  answer.catch(() => answers.delete(command));
  return answer;
}
