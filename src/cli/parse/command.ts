import type { Arguments } from './arguments.ts';
import type { Io } from '../terminal/io.ts';
import type { Completes, Option } from './option.ts';
import type { Ui } from '../terminal/ui.ts';

/** Options that the help lists together. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly Option<unknown>[];
}

/** A working command line with a description. */
export interface Example {
  readonly what: string;
  readonly line: string;
}

/** The streams and the user interface that a command runs with. */
export interface CommandContext {
  readonly io: Io;
  readonly ui: Ui;
}

/** The context of `help` and `completion`, which also need the list of commands. */
export interface ProgramContext extends CommandContext {
  /** Loads every command, in the order of the help. */
  readonly loadCommands: () => Promise<readonly CommandSpec[]>;
}

/** One command. Its module stays light: `run` imports the implementation when it is called. */
export interface CommandSpec {
  readonly name: string;
  /** The usage lines, without the name of the command. */
  readonly forms: readonly string[];
  readonly summary: string;
  readonly examples: readonly Example[];
  readonly groups: readonly OptionGroup[];
  /** The options that the help lists beside those about messages; --help-all lists all. Default: all. */
  readonly common?: readonly Option<unknown>[];
  /** The completions that a shell offers for its operands. */
  readonly completes?: Completes;
  /** True if the words after `--` are a command to run. */
  readonly takesCommand?: boolean;
  /** True if a bug that breaks one tunnel must not end the others. */
  readonly outlivesDefects?: boolean;
  /** True for a command that other programs start: if its stderr is the null device, it reports failures on the terminal. */
  readonly reachesTerminal?: boolean;
  /** Resolves with the exit status. @throws {TunlError} */
  readonly run: (args: Arguments, context: ProgramContext) => Promise<number>;
}
