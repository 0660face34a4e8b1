import type { HeaderField } from '../../core/hop.ts';
import { fieldValues } from '../wire/message.ts';

/** The longest wait that is reported, in milliseconds: a year. */
const longestMs = 365 * 24 * 3600 * 1000;

/**
 * Reads how long an answer asks us to wait, in milliseconds (RFC 9110, section 10.2.3); returns `undefined` if it does
 * not say. A date is compared with the date of the answer if there is one, because the clocks may differ.
 */
export function readRetryAfter(headers: readonly HeaderField[], now: number = Date.now()): number | undefined {
  const [value = ''] = fieldValues(headers, 'retry-after');
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, longestMs);
  const until = parseDate(value);
  if (until === undefined) return undefined;
  const began = parseDate(fieldValues(headers, 'date')[0] ?? '') ?? now;
  return Math.min(Math.max(until - began, 0), longestMs);
}

/** Parses the three forms of RFC 9110, section 5.6.7; the asctime form names no time zone. */
function parseDate(text: string): number | undefined {
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const ms = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}
