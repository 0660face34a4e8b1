import type { HeaderField } from '../core/hop.ts';
import { keepEndToEnd } from './connection-fields.ts';

/**
 * The fields of an answer as the client gets them. A missing `Date` is added, as whoever passes an answer on has to
 * (RFC 9110, section 6.6.1).
 */
export function toReplyFields(headers: readonly HeaderField[]): HeaderField[] {
  const kept = keepEndToEnd(headers);
  const hasDate = kept.some(([name]) => name === 'date');
  return hasDate ? kept : [...kept, ['date', new Date().toUTCString()]];
}
