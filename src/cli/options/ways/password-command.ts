import { passwordCommandName } from '../../../syntax/password-file.ts';
import { quote } from '../../../syntax/text.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { asText, option } from '../../parse/option.ts';
import { readLimits } from '../limits.ts';

/** The option that names a command for the password of a proxy. */
export const passwordCommandOption = option(passwordCommandName, asText, {
  value: 'COMMAND',
  summary: 'the first line that this command prints is the password of a user that a proxy has none for',
});

/** The answers of commands, so that each is run once in this process. */
const answers = new Map<string, Promise<string>>();

/**
 * Makes a function that runs a command by `sh -c`, without stdin, within the limit of a handshake, and returns its first
 * line.
 * @throws {TunlError} usage, if it fails or takes too long; interrupted, if a signal came
 */
export function createRunCommand(args: Arguments, { io, ui }: CommandContext): (command: string) => Promise<string> {
  const run = async (command: string) => {
    const { readAnswer } = await import('../../process/ask.ts');
    return readAnswer('sh', ['-c', command], {
      env: io.env,
      stderr: ui.output.form === 'json' ? 'ignore' : 'inherit',
      name: `${passwordCommandName} ${quote(command)}`,
      limit: { ms: readLimits(args, 'forward').handshakeMs, name: '--handshake-timeout' },
    });
  };
  return (command) => {
    const answer = answers.get(command) ?? run(command);
    answers.set(command, answer);
    return answer;
  };
}
