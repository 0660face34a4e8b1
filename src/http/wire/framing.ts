import { requestError, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { fieldValues } from './message.ts';

/** The way in which the end of a body is known (RFC 9112, section 6.3). */
export type Framing =
  | { readonly kind: 'chunked' }
  | { readonly kind: 'length'; readonly bytes: number }
  /** The body ends with the connection; responses only. */
  | { readonly kind: 'close' };

/**
 * Reads the framing of a body strictly: it refuses framing that two recipients could read differently, because one of
 * them may be an intermediary.
 * @throws {TunlError} http_request_error or http_protocol_error
 */
export function readFraming(headers: readonly HeaderField[], message: 'request' | 'response'): Framing {
  const codings = fieldValues(headers, 'transfer-encoding');
  const lengths = fieldValues(headers, 'content-length');
  if (codings.length > 0) {
    const single = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked' && lengths.length === 0;
    if (!single) throw framingError(message, 'its framing can be read in two ways');
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return message === 'response' ? { kind: 'close' } : { kind: 'length', bytes: 0 };
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^(?:0|[1-9][0-9]{0,14})$/.test(length)) {
    throw framingError(message, 'its Content-Length is not valid');
  }
  return { kind: 'length', bytes: Number(length) };
}

function framingError(message: 'request' | 'response', fault: string): TunlError {
  return message === 'request'
    ? requestError(`the request is refused: ${fault}`)
    : new TunlError('http_protocol_error', `the answer is refused: ${fault}`, { side: 'hop', phase: 'handshake' });
}
