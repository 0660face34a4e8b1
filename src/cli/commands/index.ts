import { TunlError } from '../../core/errors.ts';
import type { CommandSpec } from '../parse/command.ts';

/** Every command by its name, in the order of the help. */
const loaders: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  connect: async () => (await import('./connect.ts')).connect,
  forward: async () => (await import('./forward.ts')).forward,
  serve: async () => (await import('./serve.ts')).serve,
  chain: async () => (await import('./chain.ts')).chain,
  check: async () => (await import('./check.ts')).check,
  pac: async () => (await import('./pac.ts')).pac,
  config: async () => (await import('./config.ts')).config,
  ps: async () => (await import('./ps.ts')).ps,
  stop: async () => (await import('./stop.ts')).stop,
  logs: async () => (await import('./logs.ts')).logs,
  wait: async () => (await import('./wait.ts')).wait,
  passwd: async () => (await import('./passwd.ts')).passwd,
  completion: async () => (await import('./completion.ts')).completion,
  help: async () => (await import('./help.ts')).help,
};

/** The names of the commands, in the order of the help. */
export const commandNames: readonly string[] = Object.keys(loaders);

/** Loads one command by its name, so that a start reads the options of no other. */
export async function loadCommand(name: string): Promise<CommandSpec> {
  const load = loaders[name];
  if (!load) throw new TunlError('internal', `there is no command ${name}`);
  return load();
}

/** Loads every command, in the order of the help. */
export function loadCommands(): Promise<readonly CommandSpec[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}
