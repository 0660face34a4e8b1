import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionGroup } from '../command.ts';
import type { Voice } from '../ui.ts';

/** The options that say how much is said, and how. */
export const voiceGroup: OptionGroup = {
  title: 'Messages',
  options: [
    { name: 'quiet', short: 'q', summary: 'say nothing but errors' },
    { name: 'verbose', short: 'v', repeat: 'count', summary: 'say each step; -vv also the details' },
    { name: 'json', summary: 'write one JSON object per line to stderr instead of messages' },
    { name: 'help', short: 'h', summary: 'print this' },
  ],
};

/** @throws {TunlError} usage */
export function readVoice(args: Arguments): Voice {
  const loud = args.count('verbose');
  const quiet = args.has('quiet');
  if (quiet && loud > 0) throw usageError('-q and -v contradict each other');
  const verbosity = quiet ? 'quiet' : loud > 1 ? 'debug' : loud === 1 ? 'verbose' : 'normal';
  return { verbosity, form: args.has('json') ? 'json' : 'text' };
}

/** How to talk about words that cannot be parsed. */
export function guessVoice(words: readonly string[]): Voice {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return { verbosity: 'normal', form: own.includes('--json') ? 'json' : 'text' };
}
