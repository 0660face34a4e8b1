import { commandNames, loadCommands } from '../../../src/cli/commands/index.ts';
import type { Arguments } from '../../../src/cli/parse/arguments.ts';
import type { CommandSpec } from '../../../src/cli/parse/command.ts';
import { findCommand, parseArguments } from '../../../src/cli/parse/program.ts';

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = await loadCommands();

/** A command line, split into a command and its arguments. */
export interface Parsed {
  readonly command: CommandSpec;
  readonly args: Arguments;
}

/** Parses a command line as the program does. @throws {TunlError} usage */
export function parseCommandLine(words: readonly string[]): Parsed {
  const name = findCommand(words, commandNames);
  const command = commands.find((each) => each.name === name);
  if (!command) throw new Error(`there is no command ${name}`);
  return { command, args: parseArguments(words, command) };
}
