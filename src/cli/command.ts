import type { Arguments } from './arguments.ts';
import type { Io } from './io.ts';
import type { Ui } from './ui.ts';

/**
 * What a shell offers for the value of an option or for an operand: files, schemes and hosts of proxies,
 * a target's host, a SPEC with such a host in it, or these words.
 */
export type Completes = 'file' | 'proxy' | 'host' | 'spec' | readonly string[];

/** One option, as data: the parser, the help and the completions are made from it. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in the help; a switch has none. */
  readonly value?: string;
  /** The value that it has where none of those that it completes to follows; without this it needs one. */
  readonly bare?: string;
  /** `list`: may be given several times and keeps all values; `count`: counts how often it is given. */
  readonly repeat?: 'list' | 'count';
  readonly summary: string;
  /** The default in words, where there is one. */
  readonly fallback?: string;
  readonly completes?: Completes;
}

/** Options that stand together in the help. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionSpec[];
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
  readonly run: (args: Arguments, context: CommandContext) => Promise<number>;
}
