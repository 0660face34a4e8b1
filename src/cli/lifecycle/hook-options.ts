import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import { option } from '../parse/option.ts';

/** Reads a command for `sh -c`. @throws {TunlError} usage, if there is nothing to run */
function parseCommand(text: string, name: string): string {
  if (text.trim() !== '') return text;
  throw usageError(`${name} has no command`, `write ${name} 'COMMAND ARG...'; sh -c runs it`);
}

/** The option that names a command to run once everything listens. */
const onUpOption = option('on-up', parseCommand, {
  value: 'COMMAND',
  summary: 'run this by sh -c once everything listens; what happened is in TUNL_EVENT, TUNL_LISTEN, TUNL_PORT, …',
});

/** The option that names a command to run at the end. */
const onDownOption = option('on-down', parseCommand, {
  value: 'COMMAND',
  summary: 'the same once nothing listens any more, for at most 10 s; TUNL_REASON and TUNL_EXIT_STATUS say why',
});

/** The options that run commands beside a command that listens. */
export const hookOptions = [onUpOption, onDownOption] as const;

/** The commands of a user that run when everything listens and when nothing does any more. */
export interface HookCommands {
  readonly up?: string;
  readonly down?: string;
}

/** Reads --on-up and --on-down. @throws {TunlError} usage */
export function readHooks(args: Arguments): HookCommands {
  const [up, down] = [args.get(onUpOption), args.get(onDownOption)];
  return { ...(up !== undefined && { up }), ...(down !== undefined && { down }) };
}
