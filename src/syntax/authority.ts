import { isIPv4, isIPv6 } from 'node:net';
import type { TcpAddress } from '../core/address.ts';
import { requestError, type TunlError } from '../core/errors.ts';
import { quoteAscii } from './text.ts';

const portText = /^[1-9][0-9]{0,4}$/;

/** The characters and length of a host name. Both checks see it in lower case, without a dot at its end. */
export interface NameRules {
  /** True for what somebody would read as an IPv4 address: it is one in its canonical form, or nothing. */
  isNumber(name: string): boolean;
  isName(name: string): boolean;
}

const label = /^[a-z0-9_-]{1,63}$/;
// Anything that getaddrinfo would take for a number (`127.1`, `0x7f.1`, `2130706433`) must not reach
// a rule as a name: a last label that starts like a number makes the whole host an address.
const numericLast = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

/** Names that we are asked for: of letters, digits, `-` and `_`, at whatever place in a label. */
export const servedNames: NameRules = {
  isNumber: (name) => numericLast.test(name),
  isName: (name) => name.length <= 253 && name.split('.').every((part) => label.test(part)),
};

/** Longest host name for which a request surely has room. */
const maxSentLength = 1024;

/**
 * Names that we ask a proxy for, which may have names of its own: all that stands for itself in an authority (RFC 3986,
 * section 3.2.2). A percent sign does not, as one decodes it and another does not.
 */
export const sentNames: NameRules = {
  isNumber: (name) => /^(?:[0-9]+|0x[0-9a-f]*)(?:\.(?:[0-9]+|0x[0-9a-f]*)){0,3}$/.test(name),
  isName: (name) => name.length <= maxSentLength && /^[a-z0-9._~!$&'()*+,;=-]+$/.test(name),
};

/**
 * Reads `host:port` (RFC 9110, section 9.3.6): a name, a canonical dotted quad or an IPv6 address in brackets, and
 * a port from 1 to 65535 without leading zeros.
 * @throws {TunlError} http_request_error, quoting the text unless it may hold credentials
 */
export function parseAuthority(text: string, names: NameRules = servedNames): TcpAddress {
  const at = text.lastIndexOf(':');
  if (text.includes('@')) throw invalid('the target must not have user information');
  if (at < 0 || text.endsWith(']')) throw invalid(`the target ${quoteAscii(text)} has no port`);
  return { kind: 'tcp', host: parseHost(text.slice(0, at), names), port: parsePort(text.slice(at + 1)) };
}

/**
 * Reads an authority as `parseAuthority` does, with a port of the scheme if it names none (RFC 9110, section 4.2).
 * @throws {TunlError} http_request_error
 */
export function parseAuthorityOr(text: string, defaultPort: number): TcpAddress {
  const hasPort = /(?:^|[^:[\]]|\]):\d*$/.test(text);
  return parseAuthority(hasPort ? text : `${text}:${defaultPort}`);
}

/**
 * Reads the host part of an authority into its canonical form.
 * @throws {TunlError} http_request_error
 */
export function parseHost(text: string, names: NameRules = servedNames): string {
  const host = text.toLowerCase();
  if (host.startsWith('[')) {
    const inner = host.slice(1, -1);
    if (!host.endsWith(']') || !isIPv6(inner) || inner.includes('%')) {
      throw invalid(`${quoteAscii(text)} is not an IPv6 address`);
    }
    return inner;
  }
  if (isIPv4(host)) return host;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (names.isNumber(name)) {
    throw invalid(`${quoteAscii(text)} is not a canonical IPv4 address`);
  }
  if (!names.isName(name)) throw invalid(`${quoteAscii(text)} is not a host name`, name !== '');
  return name;
}

/**
 * Reads a port in its canonical form, 1 to 65535.
 * @throws {TunlError} http_request_error
 */
export function parsePort(text: string): number {
  const port = portText.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw invalid(`${quoteAscii(text)} is not a port from 1 to 65535`, text === '0');
  return port;
}

function invalid(message: string, nowhere = false): TunlError {
  return requestError(message, nowhere ? { nowhere } : undefined);
}
