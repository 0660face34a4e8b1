import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import { flag } from '../parse/option.ts';
import { jsonOption, quietOption } from './output.ts';

/** The option that shows the open tunnels for as long as a command runs. */
export const watchOption = flag('watch', {
  summary: 'show the open tunnels on the terminal, drawn again in place: bytes, rates, age, way',
});

/** True when the tunnels are to be shown all the time. @throws {TunlError} usage, when nobody could see them */
export function readWatch(args: Arguments): boolean {
  if (!args.get(watchOption)) return false;
  const rival = [jsonOption, quietOption].find((option) => args.get(option));
  if (rival !== undefined) throw usageError(`--watch and --${rival.name} contradict each other`);
  return true;
}
