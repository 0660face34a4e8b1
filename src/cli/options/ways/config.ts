import type { Config } from '../../../app/commands/config.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { flag } from '../../parse/option.ts';
import { createReport } from '../../terminal/report.ts';

/** The option that keeps a command from reading the configuration of the user. */
export const noConfigOption = flag('no-config', {
  summary: 'read no configuration; an empty TUNL_CONFIG does the same',
});

/** The configurations that were read, so that each command line reads its own once. */
const known = new WeakMap<Arguments, Promise<Config | undefined>>();

/**
 * Reads the configuration of the user, and says so with `-v`; undefined if there is none.
 * @throws {TunlError} usage, with file, line and column
 */
export function openConfig(args: Arguments, context: CommandContext): Promise<Config | undefined> {
  const found = known.get(args) ?? readConfig(args, context);
  known.set(args, found);
  return found;
}

/** Returns the configuration that a command line has used; undefined if it needed none, or there was none. */
export async function usedConfig(args: Arguments): Promise<Config | undefined> {
  return known.get(args);
}

/** Forgets what was read, so that the next use reads the file again. */
export function forgetConfig(args: Arguments): void {
  known.delete(args);
}

async function readConfig(args: Arguments, { io, ui }: CommandContext): Promise<Config | undefined> {
  if (args.get(noConfigOption)) return undefined;
  const { findConfigPlace, loadConfig } = await import('../../../app/commands/config.ts');
  const place = findConfigPlace(io.env);
  const config = place && (await loadConfig(place, io.env));
  if (config) {
    createReport(ui, 'connect')({ event: 'notice', level: 'verbose', message: `the configuration is ${config.path}` });
  }
  return config;
}

/**
 * Reads the configuration for a name that the user wrote.
 * @param text the name with its `@`, which begins the message
 * @throws {TunlError} usage, if there is no configuration, or with file, line and column
 */
export async function needConfig(text: string, args: Arguments, context: CommandContext): Promise<Config> {
  const config = await openConfig(args, context);
  if (config) return config;
  const { explainMissing } = await import('../../../app/commands/config.ts');
  throw explainMissing(text, context.io.env, args.get(noConfigOption));
}
