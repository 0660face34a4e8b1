import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionSpec } from '../option.ts';

/** The option that shows the open tunnels for as long as a command runs. */
export const watchOption: OptionSpec = {
  name: 'watch',
  summary: 'show the open tunnels on the terminal, drawn again in place: bytes, rates, age, way',
};

/** True when the tunnels are to be shown all the time. @throws {TunlError} usage, when nobody could see them */
export function readWatch(args: Arguments): boolean {
  if (!args.has('watch')) return false;
  const rival = ['json', 'quiet'].find((name) => args.has(name));
  if (rival !== undefined) throw usageError(`--watch and --${rival} contradict each other`);
  return true;
}
