import { usageError } from '../../core/errors.ts';
import { hasControl, quote } from '../text.ts';

/** The parts of a hop's URL, percent-decoded where the URL may be encoded. */
export interface HopUrl {
  readonly scheme: string;
  readonly user?: string;
  /** Absent without a colon after the user; then somebody else must know it. */
  readonly password?: string;
  readonly host: string;
  /** As written; absent without a colon after the host. */
  readonly port?: string;
  /** Settings in the order in which they are written. */
  readonly query: readonly (readonly [name: string, value: string | undefined])[];
  /** The URL without user, password and settings, for messages. */
  readonly label: string;
}

const passwordHint = 'in a user name or password write / ? # @ : | % as %2F %3F %23 %40 %3A %7C %25';

/**
 * Splits `scheme://[user[:password]@]host[:port][/][?name=value&…]`, or a bare `host:port`. WHATWG's
 * URL is not used: it rewrites hosts and ports, and reads `+` as a space.
 * @throws {TunlError} usage, without the user information
 */
export function splitHopUrl(text: string): HopUrl {
  const label = redact(text);
  const [, written, rest = ''] = /^(?:([^:/?#@]*):\/\/)?(.*)$/s.exec(text) ?? [];
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? '' : rest.slice(end);
  if (tail.includes('@') && !authority.includes('@') && !/^\/?\?/.test(tail)) {
    throw usageError(`-x ${quote(label)} has its @ behind the end of its host`, passwordHint);
  }
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place) ?? [];
  if (host === '') throw usageError(`-x ${quote(label)} has no host`, 'write http://proxy.example:3128');
  if (written === undefined && port === undefined) {
    throw usageError(
      `-x ${quote(label)} has no port`,
      `write ${quoteless(host)}:3128, or http://${quoteless(host)} for port 80`,
    );
  }
  return {
    scheme: (written ?? 'http').toLowerCase(),
    ...(at >= 0 && splitUser(authority.slice(0, at), label)),
    host,
    ...(port !== undefined && { port }),
    query: splitQuery(tail, label),
    label,
  };
}

/** The URL as a message may repeat it: no user information, no settings. */
function redact(text: string): string {
  // Up to the last @ of all: a password with a raw / or ? in it must not be taken for a path.
  return text
    .replace(/^([^:/?#@]*:\/\/)?.*@/s, (_all, scheme: string | undefined) => `${scheme ?? ''}***@`)
    .replace(/[?#].*$/s, '');
}

function splitUser(info: string, label: string): { user: string; password?: string } {
  const colon = info.indexOf(':');
  const user = decode(colon < 0 ? info : info.slice(0, colon), label);
  if (user === '') throw usageError(`-x ${quote(label)} has an empty user name`);
  // RFC 7617, section 2: the colon is what separates the user from the password.
  if (user.includes(':')) throw usageError(`-x ${quote(label)} has a user name with a colon, which Basic cannot carry`);
  return colon < 0 ? { user } : { user, password: decode(info.slice(colon + 1), label) };
}

function splitQuery(tail: string, label: string): HopUrl['query'] {
  const [, path = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(tail) ?? [];
  if (path !== '' && path !== '/') throw usageError(`-x ${quote(label)} has a path, which means nothing to a proxy`);
  if (fragment !== undefined) throw usageError(`-x ${quote(label)} has a fragment`, 'write # as %23');
  return (query ?? '')
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = decode(equals < 0 ? pair : pair.slice(0, equals), label);
      return [name, equals < 0 ? undefined : decode(pair.slice(equals + 1), label)];
    });
}

/** Percent-decodes UTF-8; `+` stays what it is. */
function decode(text: string, label: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw usageError(`-x ${quote(label)} has a broken percent-encoding`, passwordHint);
  }
  if (hasControl(decoded)) throw usageError(`-x ${quote(label)} encodes a control character`);
  return decoded;
}

function quoteless(host: string): string {
  return quote(host).slice(1, -1);
}
