import type { Limits } from '../../app/options.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionGroup } from '../command.ts';
import { parseDuration, parseWait } from '../../words/duration.ts';
import {
  type Caps,
  capSettings,
  collectCaps,
  collectLimits,
  fallbackOf,
  limitSettings,
  maxCap,
  type Side,
} from '../../words/settings.ts';
import { quote } from '../../words/text.ts';

const graceFallback = '10s';

/** The options that set the limits of the phases. */
export function limitGroup(side: Side): OptionGroup {
  const options = limitSettings.flatMap(({ flag, ...setting }) =>
    flag === undefined
      ? []
      : [{ name: flag, value: 'TIME', summary: setting.summary, fallback: fallbackOf(setting, side) }],
  );
  return { title: 'Limits (250ms, 5s, 1h; 0 or off: none)', options };
}

/** @throws {TunlError} usage */
export function readLimits(args: Arguments, side: Side): Limits {
  return collectLimits(side, ({ flag }) => {
    const text = flag === undefined ? undefined : args.text(flag);
    return text === undefined ? undefined : parseDuration(text, `--${flag}`);
  });
}

/** The options that say how many tunnels there may be. */
export const capGroup: OptionGroup = {
  title: 'How many tunnels',
  options: capSettings.map(({ flag, summary, usually }) => ({
    name: flag,
    value: 'N',
    summary: usually === undefined ? summary : `${summary}; ${usually}`,
  })),
};

/** @throws {TunlError} usage */
export function readCaps(args: Arguments): { readonly caps?: Caps } {
  return collectCaps(({ flag }) => {
    const text = args.text(flag);
    return text === undefined ? undefined : parseCap(text, `--${flag}`);
  });
}

function parseCap(text: string, option: string): number {
  const count = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Infinity;
  if (count <= maxCap) return count;
  throw usageError(`${option} ${quote(text)} is not a number from 1 to ${maxCap}`);
}

/** The options of commands that run until they are stopped. */
export const graceOption = {
  name: 'grace',
  value: 'TIME',
  summary: 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait',
  fallback: graceFallback,
} as const;

/** Milliseconds that a drain may take. @throws {TunlError} usage */
export function readGrace(args: Arguments): number {
  return parseWait(args.text('grace') ?? graceFallback, '--grace');
}
