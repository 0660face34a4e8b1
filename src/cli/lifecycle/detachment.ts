import { usageError } from '../../core/errors.ts';
import { parseInstanceName } from '../../app/commands/instance-name.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandSpec } from '../parse/command.ts';
import { asText, flag, option } from '../parse/option.ts';

/** The option that runs a command in the background. */
export const detachOption = flag('detach', {
  summary: 'run in the background: return once everything listens, or with the failure; see tunl ps',
});

/** The option that names a process in the background. */
const nameOption = option('name', parseInstanceName, {
  value: 'NAME',
  summary: 'the name of it for tunl stop, logs and wait; default: the command, with a number if that is taken',
});

/** The options that run a command in the background. */
export const detachOptions = [detachOption, nameOption] as const;

/** Reads an option of the commands as text. Their own modules are not loaded here, because every start comes by. */
const textOf = (args: Arguments, name: string) => args.get(option(name, asText, { value: 'TEXT', summary: '' }));

/** A command that is to run in the background. */
export interface Detachment {
  /** Absent if a free name is to be chosen. */
  readonly name?: string;
}

/** Options that show something, and then nothing is left to run. */
const showing = ['watch', 'print', 'export', 'draw'];

/**
 * Reads --detach; undefined if it is not given.
 * @throws {TunlError} usage, if another part of the command line contradicts it
 */
export function readDetachment(args: Arguments, command: CommandSpec): Detachment | undefined {
  const name = args.get(nameOption);
  if (!args.get(detachOption)) {
    if (name === undefined) return undefined;
    throw usageError('--name needs --detach', 'it is the name of a process in the background');
  }
  if (args.rest)
    throw usageError(
      '--detach and -- COMMAND contradict each other',
      'leave --detach out: tunl ends with the command, and the shell can run both in the background',
    );
  const shown = [...showing, ...(command.name === 'chain' ? ['check'] : [])];
  const rival = shown.find((other) => args.isGiven({ name: other, summary: '' }));
  if (rival !== undefined) throw usageError(`--detach and --${rival} contradict each other`);
  const [fd, file] = [textOf(args, 'ready-fd'), textOf(args, 'config')];
  if (fd !== undefined && Number(fd) <= 2)
    throw usageError(`--ready-fd ${fd} is a stream that --detach leaves behind`, `write --ready-fd 3, and 3>&${fd}`);
  const words = [...args.operands, ...(args.rest ?? []), ...(file === undefined ? [] : [file])];
  if (words.some((word) => standardStream.test(word)))
    throw usageError('a process in the background has no terminal and no stdin', 'name a file, or another descriptor');
  return name === undefined ? {} : { name };
}

const standardStream = /^(?:fd:[012]|\/dev\/(?:stdin|fd\/[012]))$/;
