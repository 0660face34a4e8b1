import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import { flag, option } from '../parse/option.ts';
import { parseChoice } from '../parse/setting.ts';
import { jsonOption, quietOption } from './output.ts';

/** The option that shows the open tunnels while a command runs. */
export const watchOption = flag('watch', {
  summary: 'show the open tunnels on the whole terminal, always up to date: bytes, rates, age, way; q closes the view',
});

const answers = ['yes', 'no'];

/** The option that reads certificates again when their files change; undefined if it is not given. */
export const watchFilesOption = option('watch-files', (text, name) => parseChoice(text, name, answers) === 'yes', {
  value: '[yes|no]',
  bare: 'yes',
  summary: 'read certificates, keys and authorities again when their files change; those of HBONE always, unless no',
  completes: answers,
});

/** Reads --watch. @throws {TunlError} usage, if another option hides its output */
export function readWatch(args: Arguments): boolean {
  if (!args.get(watchOption)) return false;
  const rival = [jsonOption, quietOption].find((option) => args.get(option));
  if (rival !== undefined) throw usageError(`--watch and --${rival.name} contradict each other`);
  return true;
}
