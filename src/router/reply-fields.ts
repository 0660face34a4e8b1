import type { HeaderField } from '../core/hop.ts';
import { keepEndToEnd } from './connection-fields.ts';

/**
 * Makes the fields of an answer for the client. A missing `Date` is added, as RFC 9110, section 6.6.1, requires of
 * proxies.
 */
export function toReplyFields(headers: readonly HeaderField[]): HeaderField[] {
  const kept = keepEndToEnd(headers);
  const hasDate = kept.some(([name]) => name === 'date');
  return hasDate ? kept : [...kept, ['date', new Date().toUTCString()]];
}
