import { usageError } from '../core/errors.ts';
import { decodePercent } from '../core/octets.ts';
import { hasControl, quote } from './text.ts';

/** The parts of a hop's URL, percent-decoded. */
export interface HopUrl {
  readonly scheme: string;
  readonly user?: string;
  /** Absent without a colon after the user; it must then come from elsewhere. */
  readonly password?: string;
  /** Empty if there is a socket. */
  readonly host: string;
  /** As written; absent without a colon after the host. */
  readonly port?: string;
  /** Path of the Unix socket that stands instead of host and port. */
  readonly socket?: string;
  /** Settings in their written order. */
  readonly query: readonly (readonly [name: string, value: string | undefined])[];
  /** The source and the URL without user, password and settings; messages start with it. */
  readonly label: string;
}

/** Hint for a proxy that listens on a socket. */
export const socketHint = 'a proxy on a Unix socket is unix:/run/proxy.sock, or http://unix:/run/proxy.sock';

/** Hint for characters that would end a user name or a password. */
export const passwordHint = 'in a user name or password write / ? # @ : | % as %2F %3F %23 %40 %3A %7C %25';

/**
 * Splits `scheme://[user[:password]@]host[:port][/][?name=value&…]`, or a bare `host:port`. `unix:PATH` may replace host
 * and port. WHATWG's URL is not used, because it rewrites hosts and ports, and reads `+` as a space.
 * @param source the source of the text: `-x`, or the name of a variable
 * @throws {TunlError} usage, without the user information
 */
export function splitHopUrl(text: string, source: string): HopUrl {
  const label = `${source} ${quote(redact(text))}`;
  if (isBareSocket(text)) {
    const [, path = '', tail = ''] = /^unix:([^?#]*)(.*)$/s.exec(text) ?? [];
    return { scheme: 'http', host: '', socket: decode(path, label), query: splitQuery(tail, label), label };
  }
  const [, written, rest = ''] = /^(?:([^:/?#@]*):\/\/)?(.*)$/s.exec(text) ?? [];
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? '' : rest.slice(end);
  const at = authority.lastIndexOf('@');
  if (isCutPassword(authority.slice(at + 1), tail)) {
    const behind = redact(text).replace(/^.*@/s, '');
    const form = `write ${quoteless(written ?? 'http')}://USER:PASSWORD@${quoteless(behind.replace(/\/.*$/s, ''))}`;
    throw usageError(`${label} has an @ after the end of its host`, form, passwordHint);
  }
  const place = authority.slice(at + 1);
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place) ?? [];
  const named = { scheme: (written ?? 'http').toLowerCase(), ...(at >= 0 && splitUser(authority.slice(0, at), label)) };
  const [, path = '', settings = ''] = /^([^?#]*)(.*)$/s.exec(tail) ?? [];
  // A host may be called `unix` too; only digits follow its colon.
  if (host.toLowerCase() === 'unix' && port !== undefined && !/^\d+$/.test(port) && port + path !== '') {
    return { ...named, host: '', socket: decode(port + path, label), query: splitQuery(settings, label), label };
  }
  if (host === '')
    throw usageError(
      `${label} has no host`,
      written?.endsWith('unix') ? socketHint : 'write http://proxy.example:3128',
    );
  if (written === undefined && port === undefined) {
    throw usageError(`${label} has no port`, `write ${quoteless(host)}:3128, or http://${quoteless(host)} for port 80`);
  }
  return {
    ...named,
    host,
    ...(port !== undefined && { port }),
    query: splitQuery(tail, label),
    label,
  };
}

/** True if a raw / ? or # of a password was taken for the end of the host, so that the @ comes after it. */
function isCutPassword(place: string, tail: string): boolean {
  const at = tail.indexOf('@');
  const isPlace = /^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/.test(place);
  // The value of a setting may have an @ too.
  return at >= 0 && !(isPlace && /^\/?\?[\w-]+=/.test(tail));
}

/** True for `unix:PATH` without a scheme, but not for a user or a host that is called `unix`. */
export function isBareSocket(text: string): boolean {
  return /^unix:(?!\/\/)(?:[/.@%]|[^@?#]+(?:[?#]|$))/.test(text) && !/^unix:\d+(?:[/?#]|$)/.test(text);
}

/** Removes user information and settings from a URL, for messages. */
export function redact(text: string): string {
  // The name of a proxy in the configuration.
  if (/^@[\w.-]+$/.test(text)) return text;
  if (isBareSocket(text)) return text.replace(/[?#].*$/s, '');
  // Up to the last @ of the whole text: a password may have a raw / or ?.
  return text
    .replace(/^([^:/?#@]*:\/\/)?.*@/s, (_all, scheme: string | undefined) => `${scheme ?? ''}***@`)
    .replace(/[?#].*$/s, '');
}

function splitUser(info: string, label: string): { user: string; password?: string } {
  const colon = info.indexOf(':');
  const user = decode(colon < 0 ? info : info.slice(0, colon), label);
  if (user === '') throw usageError(`${label} has an empty user name`);
  // RFC 7617, section 2: the colon is what separates the user from the password.
  if (user.includes(':')) throw usageError(`${label} has a user name with a colon, which Basic cannot carry`);
  return colon < 0 ? { user } : { user, password: decode(info.slice(colon + 1), label) };
}

/** Splits `?name=value&…` behind a path, which must be empty. @throws {TunlError} usage */
export function splitQuery(tail: string, label: string): HopUrl['query'] {
  const [, path = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(tail) ?? [];
  if (path !== '' && path !== '/') throw usageError(`${label} has a path, which means nothing to a proxy`);
  if (fragment !== undefined) throw usageError(`${label} has a fragment`, 'write # as %23');
  return (query ?? '')
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = decode(equals < 0 ? pair : pair.slice(0, equals), label);
      return [name, equals < 0 ? undefined : decode(pair.slice(equals + 1), label)];
    });
}

/** Percent-decodes a part of the URL; `+` stays as it is. */
function decode(text: string, label: string): string {
  const decoded = decodePercent(text);
  if (decoded === undefined) throw usageError(`${label} has a broken percent-encoding`, passwordHint);
  if (hasControl(decoded)) throw usageError(`${label} encodes a control character`);
  // Node's replacement for a byte of an argument or an environment variable that is not UTF-8.
  if (decoded.includes('\ufffd')) {
    throw usageError(`${label} holds bytes that are not UTF-8`, 'write each of them percent-encoded: %F6');
  }
  return decoded;
}

function quoteless(host: string): string {
  return quote(host).slice(1, -1);
}
