import type { HeaderField } from '../core/hop.ts';
import { keepEndToEnd, trimValues } from './connection-fields.ts';

/**
 * Makes the fields of an answer for the client. A missing `Date` is added, as RFC 9110, section 6.6.1, requires of
 * proxies.
 * @param change what the route changes in the fields that are passed on
 */
export function toReplyFields(
  headers: readonly HeaderField[],
  change?: (fields: readonly HeaderField[]) => HeaderField[],
): HeaderField[] {
  const passed = keepEndToEnd(headers);
  const kept = change ? trimValues(change(passed)) : passed;
  const hasDate = kept.some(([name]) => name === 'date');
  return hasDate ? kept : [...kept, ['date', new Date().toUTCString()]];
}
