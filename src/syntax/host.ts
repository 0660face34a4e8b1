import { domainToASCII } from 'node:url';
import type { TcpAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { parseAuthority, parseHost, sentNames } from './authority.ts';
import { quote } from './text.ts';

/**
 * Converts a name to ASCII, in which it is sent, resolved and compared: UTS 46 (`xn--…`), as in browsers and curl. A
 * name in ASCII stays as it is.
 * @throws {TunlError} usage, if the text cannot be a name
 */
export function toAsciiName(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  // Node reads the text as the host of a URL: it would end at a slash, and decode a percent sign.
  const ascii = /^[\w.~!$&'()*+,;=\u0080-\u{10ffff}-]+$/u.test(text) ? domainToASCII(text) : '';
  if (ascii === '') throw usageError(`${quote(text)} is not a host name`);
  return ascii;
}

/**
 * Reads the host of a target or a hop. Every name that a request can carry is accepted, since a proxy on the way may
 * know it.
 * @throws {TunlError} usage or http_request_error
 */
export function readHost(text: string): string {
  return parseHost(toAsciiName(text), sentNames);
}

/** Reads `HOST:PORT` of a target. @throws {TunlError} usage or http_request_error */
export function readAuthority(text: string): TcpAddress {
  const at = text.lastIndexOf(':');
  return parseAuthority(at < 0 ? text : toAsciiName(text.slice(0, at)) + text.slice(at), sentNames);
}
