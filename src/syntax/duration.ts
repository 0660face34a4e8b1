import { usageError } from '../core/errors.ts';
import { quote } from './text.ts';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const duration = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** The longest timer of Node; longer ones fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Reads a duration into milliseconds: `250ms`, `5s`, `1.5m`, `1h`; `0` and `off` are 0.
 * @throws {TunlError} usage
 */
export function parseDuration(text: string, option: string): number {
  if (text === '0' || text === 'off') return 0;
  const [, amount, unit] = duration.exec(text) ?? [];
  if (amount === undefined) {
    const hint = /^\d+$/.test(text)
      ? `write the unit: ${text}s or ${text}ms`
      : 'durations are written 250ms, 5s, 10m, 1h or off';
    throw usageError(`${option}: ${quote(text)} is not a duration`, hint);
  }
  const ms = Math.round(Number(amount) * unitMs[unit as keyof typeof unitMs]);
  if (ms > maxTimerMs) throw usageError(`${option}: ${quote(text)} is longer than 596h`, 'off means without a limit');
  return ms;
}

/**
 * Reads a time to wait, in milliseconds. 0 means no wait at all, and `off` means no limit.
 * @throws {TunlError} usage
 */
export function parseWait(text: string, option: string): number {
  return text === 'off' ? maxTimerMs : parseDuration(text, option);
}
