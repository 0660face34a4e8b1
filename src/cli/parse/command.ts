import type { Arguments } from './arguments.ts';
import type { Io } from '../terminal/io.ts';
import type { Completes, Option } from './option.ts';
import type { Ui } from '../terminal/ui.ts';

/** Options that stand together in the help. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly Option<unknown>[];
}

/** A command line that works, and what it does. */
export interface Example {
  readonly what: string;
  readonly line: string;
}

/** What a command runs with. */
export interface CommandContext {
  readonly io: Io;
  readonly ui: Ui;
}

/** The same with what the commands about commands need. */
export interface ProgramContext extends CommandContext {
  /** Every command, in the order of the help. */
  readonly commands: readonly CommandSpec[];
}

/** One command. Its module stays light: `run` imports what the command means when it is called. */
export interface CommandSpec {
  readonly name: string;
  /** What follows the name, one line for each form. */
  readonly forms: readonly string[];
  readonly summary: string;
  readonly examples: readonly Example[];
  readonly groups: readonly OptionGroup[];
  /** What a shell offers for its operands. */
  readonly completes?: Completes;
  /** True when what follows `--` is a command of its own. */
  readonly takesCommand?: boolean;
  /** True for a command whose other tunnels go on when one runs into a defect of ours. */
  readonly outlivesDefects?: boolean;
  /** True for a command that others start: where its stderr is the null device, a failure is said on the terminal. */
  readonly reachesTerminal?: boolean;
  /** Resolves with the exit status. @throws {TunlError} */
  readonly run: (args: Arguments, context: ProgramContext) => Promise<number>;
}
