import { TunlError } from '../../core/errors.ts';
import { parsePort } from '../../syntax/authority.ts';
import { fieldValues, type RequestHead } from './message.ts';

/** What a request asks for, in one form whichever it was written in. */
export interface RequestPlace {
  /** Path and query, `*`, or for CONNECT the host and port. */
  readonly target: string;
  /** Host, with a port where the client wrote one. */
  readonly authority: string;
}

const hostPattern = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/;
/** True for what may stand in Host or `:authority`; it may be empty. */
export function isHost(text: string): boolean {
  return hostPattern.test(text);
}

const absoluteForm = /^https?:\/\/([^/?]+)([/?].*)?$/i;

/**
 * Exactly one well-formed Host in HTTP/1.1 (RFC 9112, section 3.2). Its value is not compared with
 * the target: real clients send the proxy's own name or leave the port out.
 * @throws {TunlError} http_request_error
 */
function assertOneHost({ headers, version }: RequestHead): void {
  const hosts = fieldValues(headers, 'host');
  const fault =
    hosts.length > 1
      ? 'the request has more than one Host field'
      : hosts.length === 0 && version === '1.1'
        ? 'the request has no Host field'
        : hosts.some((host) => !isHost(host))
          ? 'the Host field is not valid'
          : undefined;
  if (fault) throw requestError(fault);
}

/**
 * Reads the target of a request in any of its four forms (RFC 9112, section 3.2). A host in it takes the place of
 * the Host field, as section 3.2.2 wants it.
 * @throws {TunlError} http_request_error
 */
export function readPlace(head: RequestHead): RequestPlace {
  const { method, target, headers } = head;
  assertOneHost(head);
  const [host = ''] = fieldValues(headers, 'host');
  if (method === 'CONNECT') {
    assertHasPort(target);
    return { target, authority: readHost(target) };
  }
  // No path holds a fragment; who cuts it off reads another path than who does not.
  if (target.includes('#')) throw requestError('the target of the request has a fragment');
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) return { target, authority: host };
  const [, authority, rest = '/'] = absoluteForm.exec(target) ?? [];
  if (authority === undefined) throw requestError('the target of the request is not valid');
  return { target: rest.startsWith('?') ? `/${rest}` : rest, authority: readHost(authority) };
}

/**
 * Takes the target of a request as it was sent, in whatever form, and what its Host field says beside it.
 * @throws {TunlError} http_request_error, when the Host field can be read in two ways
 */
export function readPlaceAsSent(head: RequestHead): RequestPlace {
  assertOneHost(head);
  return { target: head.target, authority: fieldValues(head.headers, 'host')[0] ?? '' };
}

/**
 * What CONNECT asks for has a port (RFC 9110, section 9.3.6).
 * @throws {TunlError} http_request_error
 */
export function assertHasPort(target: string): void {
  const at = target.lastIndexOf(':');
  if (at <= 0) throw requestError('the target of CONNECT has no port');
  parsePort(target.slice(at + 1));
}

function readHost(host: string): string {
  if (host === '' || !isHost(host)) throw requestError('the target of the request is not valid');
  return host;
}

function requestError(message: string): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request' });
}
