import type { OutputControl } from '../../app/runtime.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { OptionGroup } from '../parse/command.ts';
import { counter, flag } from '../parse/option.ts';
import type { Ui, Verbosity, Output } from '../terminal/ui.ts';

const levelOf = { quiet: 'error', normal: 'info', verbose: 'debug', debug: 'trace' } as const;

/** Levels of Envoy that are not listed here print less than the default. */
const verbosityOf: Readonly<Record<string, Verbosity>> = { info: 'normal', debug: 'verbose', trace: 'debug' };

/** The option that hides everything but errors. */
export const quietOption = flag('quiet', { short: 'q', summary: 'say nothing but errors' });

/** The option that prints more details each time it is given. */
export const verboseOption = counter('verbose', { short: 'v', summary: 'say each step; -vv also the details' });

/** The option that prints messages as JSON objects. */
export const jsonOption = flag('json', { summary: 'write one JSON object per line to stderr instead of messages' });

/** The option that prints the help of the command. */
export const helpOption = flag('help', { short: 'h', summary: 'print this' });

/** The option that prints the help of the command with all of its options. */
export const helpAllOption = flag('help-all', { summary: 'print this with all options' });

/** The options that set the amount and the form of messages. */
export const outputGroup: OptionGroup = {
  title: 'Messages',
  options: [quietOption, verboseOption, jsonOption, helpOption, helpAllOption],
};

/** Reads the amount and the form of messages. @throws {TunlError} usage */
export function readOutput(args: Arguments): Output {
  const loud = args.get(verboseOption);
  const quiet = args.get(quietOption);
  if (quiet && loud > 0) throw usageError('-q and -v contradict each other');
  const verbosity = quiet ? 'quiet' : loud > 1 ? 'debug' : loud === 1 ? 'verbose' : 'normal';
  return { verbosity, form: args.get(jsonOption) ? 'json' : 'text' };
}

/** Lets the admin address read and set the amount of messages. */
export function controlOutput(ui: Ui): OutputControl {
  return {
    level: () => levelOf[ui.output.verbosity],
    setLevel: (level) => ui.setVerbosity(verbosityOf[level] ?? 'quiet'),
  };
}

/** Guesses the form of messages for a command line that cannot be parsed. */
export function guessOutput(words: readonly string[]): Output {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return { verbosity: 'normal', form: own.includes('--json') ? 'json' : 'text' };
}
