import { requestError, type TunlError } from '../../../core/errors.ts';
import type { HeaderField } from '../../../core/hop.ts';

/** Fields whose readers could take either value if they came twice. */
const single = new Set([
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'user-agent',
]);

/**
 * Refuses fields that HTTP/2 does not take.
 * @throws {TunlError} http_request_error
 */
export function assertSendable(fields: readonly HeaderField[]): void {
  const seen = new Set<string>();
  for (const [field, value] of fields) {
    const name = field.toLowerCase();
    // RFC 9113, section 8.2.2.
    const isForbidden = name === 'te' && value.toLowerCase() !== 'trailers';
    if (isForbidden || (single.has(name) && seen.has(name))) throw fieldsError(`the field ${name}`);
    seen.add(name);
  }
}

function fieldsError(cause: string): TunlError {
  return requestError('the request has fields that HTTP/2 does not take', { cause });
}
