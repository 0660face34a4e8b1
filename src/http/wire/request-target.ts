import { requestError } from '../../core/errors.ts';
import { parsePort } from '../../syntax/authority.ts';
import { fieldValues, type RequestHead } from './message.ts';

/** The resource that a request asks for, in one form regardless of the form in which it was sent. */
export interface RequestPlace {
  /** Path and query, `*`, or the host and port for CONNECT. */
  readonly target: string;
  /** The host, with a port if the client sent one. */
  readonly authority: string;
}

const hostPattern = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/;
/** True for a value that Host or `:authority` may have; it may be empty. */
export function isHost(text: string): boolean {
  return hostPattern.test(text);
}

const absoluteForm = /^https?:\/\/([^/?]+)([/?].*)?$/i;

/** Returns the scheme of a target in absolute form, in lower case; undefined for every other form. */
export function readScheme(target: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(target)?.[1]?.toLowerCase();
}

/**
 * Requires exactly one well-formed Host in HTTP/1.1 (RFC 9112, section 3.2). It does not compare the value with the
 * target: real clients send the proxy's own name or leave the port out.
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
 * Reads the target of a request in any of its four forms (RFC 9112, section 3.2). A host in the target replaces the
 * Host field, as section 3.2.2 requires.
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
  // A path has no fragment; a recipient that cuts it off would read another path than one that does not.
  if (target.includes('#')) throw requestError('the target of the request has a fragment');
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) return { target, authority: host };
  const [, authority, rest = '/'] = absoluteForm.exec(target) ?? [];
  if (authority === undefined) throw requestError('the target of the request is not valid');
  return { target: rest.startsWith('?') ? `/${rest}` : rest, authority: readHost(authority) };
}

/**
 * Returns the target of a request as it was sent, in any form, together with the value of its Host field.
 * @throws {TunlError} http_request_error, if the Host field can be read in two ways
 */
export function readPlaceAsSent(head: RequestHead): RequestPlace {
  assertOneHost(head);
  return { target: head.target, authority: fieldValues(head.headers, 'host')[0] ?? '' };
}

/**
 * Requires a port in the target of CONNECT (RFC 9110, section 9.3.6). Port 0 can be read: that it leads nowhere is
 * for those who dial it to say.
 * @throws {TunlError} http_request_error
 */
export function assertHasPort(target: string): void {
  const at = target.lastIndexOf(':');
  if (at <= 0) throw requestError('the target of CONNECT has no port');
  const port = target.slice(at + 1);
  if (port !== '0') parsePort(port);
}

function readHost(host: string): string {
  if (host === '' || !isHost(host)) throw requestError('the target of the request is not valid');
  return host;
}
