import { domainToASCII } from 'node:url';
import type { TcpAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { parseAuthority, parseHost, sentNames } from '../http/authority.ts';
import { quote } from './text.ts';

/**
 * The name as it is sent, resolved and compared: letters beyond ASCII as UTS 46 writes them (`xn--…`), which is what
 * browsers and curl do. A name in ASCII stays as it is.
 * @throws {TunlError} usage, when no name can be made of it
 */
export function toAsciiName(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  // Node reads it as the host of a URL: it would end at a slash and decode a percent sign.
  const ascii = /^[\w.~!$&'()*+,;=\u0080-\u{10ffff}-]+$/u.test(text) ? domainToASCII(text) : '';
  if (ascii === '') throw usageError(`${quote(text)} is not a host name`);
  return ascii;
}

/**
 * Reads the host of a place that we go to, by a proxy or without: what a request can carry is a name, as somebody on the
 * way may know it.
 * @throws {TunlError} usage or http_request_error
 */
export function readHost(text: string): string {
  return parseHost(toAsciiName(text), sentNames);
}

/** Reads `HOST:PORT` of a place that we go to. @throws {TunlError} usage or http_request_error */
export function readAuthority(text: string): TcpAddress {
  const at = text.lastIndexOf(':');
  return parseAuthority(at < 0 ? text : toAsciiName(text.slice(0, at)) + text.slice(at), sentNames);
}
