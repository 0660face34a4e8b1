import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import { flag } from '../parse/option.ts';
import { jsonOption, quietOption } from './output.ts';

/** The option that shows the open tunnels while a command runs. */
export const watchOption = flag('watch', {
  summary: 'show the open tunnels on the terminal, drawn again in place: bytes, rates, age, way',
});

/** Reads --watch. @throws {TunlError} usage, if another option hides its output */
export function readWatch(args: Arguments): boolean {
  if (!args.get(watchOption)) return false;
  const rival = [jsonOption, quietOption].find((option) => args.get(option));
  if (rival !== undefined) throw usageError(`--watch and --${rival.name} contradict each other`);
  return true;
}
