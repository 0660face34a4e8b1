import { requestError } from '../../core/errors.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import type { RequestHead } from '../wire/message.ts';

/**
 * Returns how the body of a request ends.
 * @throws {TunlError} http_request_error, if it can be read in two ways, or if a CONNECT has content, which an
 *   intermediary may have taken for a body and which must never reach a target
 */
export function readRequestFraming({ method, version, headers }: RequestHead): Framing {
  const framing = readFraming(headers, 'request');
  const isEmpty = framing.kind === 'length' && framing.bytes === 0;
  if (method === 'CONNECT' && !isEmpty) throw requestError('CONNECT must not have content');
  // An intermediary may not have understood the coding (RFC 9112, section 6.1).
  if (version === '1.0' && framing.kind === 'chunked') throw requestError('HTTP/1.0 knows no chunks');
  return framing;
}
