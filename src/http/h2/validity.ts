import { requestError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import { assertSameHost, isSafeField, maxFields } from '../wire/message.ts';
import { assertHasPort, isHost } from '../wire/request-target.ts';

/**
 * Refuses a request over HTTP/2 that would be another one in HTTP/1.1, or that has more fields than a head may hold. The
 * engine has checked the size of the head, and what RFC 9113, section 8 demands of it by itself.
 * @throws {TunlError} http_request_error with the status to answer with
 */
export function assertTranslatable(request: Exchange): void {
  const { method, target, authority, headers } = request;
  if (headers.length > maxFields) throw requestError(`the request has more than ${maxFields} fields`, { status: 431 });
  if (!headers.every(isSafeField)) throw requestError('a header field is not valid');
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method)) throw requestError('the method is not valid');
  if (authority === '' || !isHost(authority)) throw requestError('the request names no host');
  assertSameHost(request);
  if (method === 'CONNECT') return assertHasPort(target);
  const isPath = target.startsWith('/') || (target === '*' && method === 'OPTIONS');
  if (!isPath || !/^[\x21-\x7e]+$/.test(target) || target.includes('#')) {
    throw requestError('the target of the request is not valid');
  }
}
