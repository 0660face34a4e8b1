import type { Limits } from '../../app/commands/options.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { OptionGroup } from '../parse/command.ts';
import { option, type Option } from '../parse/option.ts';
import { parseDuration, parseWait } from '../../syntax/duration.ts';
import {
  type Caps,
  capSettings,
  collectCaps,
  collectLimits,
  fallbackOf,
  limitSettings,
  maxCap,
  type Side,
} from '../../syntax/settings.ts';
import { quote } from '../../syntax/text.ts';

type LimitRow = (typeof limitSettings)[number];

/** Makes the option of a limit; returns undefined if only files have the limit. */
function limitOption({ flag, ...setting }: LimitRow, side: Side): Option<number> | undefined {
  if (flag === undefined) return undefined;
  const { summary } = setting;
  return option(flag, parseDuration, { value: 'TIME', summary, fallback: fallbackOf(setting, side) });
}

/** Makes the group of options that set the time limits. */
export function limitGroup(side: Side): OptionGroup {
  const options = limitSettings.flatMap((setting) => limitOption(setting, side) ?? []);
  return { title: 'Limits (250ms, 5s, 1h; 0 or off: none)', options };
}

/** Reads the time limits, in milliseconds. @throws {TunlError} usage */
export function readLimits(args: Arguments, side: Side): Limits {
  return collectLimits(side, (setting) => {
    const own = limitOption(setting, side);
    return own && args.get(own);
  });
}

function capOption({ flag, summary, usually }: (typeof capSettings)[number]): Option<number | undefined> {
  return option(flag, parseCap, { value: 'N', summary: usually === undefined ? summary : `${summary}; ${usually}` });
}

function parseCap(text: string, name: string): number {
  const count = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Infinity;
  if (count <= maxCap) return count;
  throw usageError(`${name} ${quote(text)} is not a number from 1 to ${maxCap}`);
}

/** The options that limit the number of tunnels. */
export const capGroup: OptionGroup = { title: 'How many tunnels', options: capSettings.map(capOption) };

/** Reads the limits on the number of tunnels. @throws {TunlError} usage */
export function readCaps(args: Arguments): { readonly caps?: Caps } {
  return collectCaps((setting) => args.get(capOption(setting)));
}

/** The option that limits the drain of a command that runs until it is stopped, in milliseconds. */
export const graceOption = option('grace', parseWait, {
  value: 'TIME',
  summary: 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait',
  fallback: '10s',
});
