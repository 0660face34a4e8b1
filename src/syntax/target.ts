import { isIPv6 } from 'node:net';
import type { TcpAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { readAuthority } from './host.ts';
import { asUsage, quote } from './text.ts';

/**
 * Reads the target of `connect`: `HOST:PORT`, or `HOST PORT` as two words. An IPv6 address needs no brackets in the
 * second form, because ssh's `%h %p` writes none.
 * @throws {TunlError} usage
 */
export function parseTargetArguments(words: readonly string[]): TcpAddress {
  const [host, port, extra] = words;
  if (host === undefined) throw usageError('the target is missing', 'write HOST:PORT, such as db.internal:5432');
  if (extra !== undefined)
    throw usageError(`unexpected argument ${quote(extra)}`, 'a target is HOST:PORT or HOST PORT');
  if (port === undefined) return parseTarget(host);
  if (host.includes('://'))
    throw usageError(`${quote(host)} is a URL, not a host`, `a proxy is named by -x: -x URL ${port}`);
  if (!isIPv6(host) && /[:[\]]/.test(host) && !/^\[[^\]]*\]$/.test(host)) {
    throw usageError(
      `${quote(host)} and ${quote(port)} are not a host and a port`,
      'a target is HOST:PORT or HOST PORT',
    );
  }
  return parseTarget(isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
}

/**
 * Reads `HOST:PORT` with a canonical address or a name: `db:5432`, `192.0.2.7:22`, `[::1]:22`, `bücher.example:443`.
 * @throws {TunlError} usage
 */
export function parseTarget(text: string): TcpAddress {
  if (text.includes('://')) throw usageError(`${quote(text)} is a URL, not a target`, suggestTarget(text));
  if (text.includes('@')) {
    throw usageError(
      'a target has no user name',
      'a target is HOST:PORT; the user belongs to the program that uses the tunnel',
    );
  }
  if (!text.startsWith('[') && text.split(':').length > 2) {
    throw usageError(
      `${quote(text)} is not HOST:PORT`,
      'an IPv6 address needs brackets: [::1]:22, or HOST PORT as two words',
    );
  }
  return asUsage(quote(text), () => readAuthority(text), ...hintsFor(text));
}

/** The ports of schemes that people write before a target. */
const ports: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ldap: 389,
  ldaps: 636,
  mysql: 3306,
  postgres: 5432,
  postgresql: 5432,
  redis: 6379,
  ssh: 22,
};

/** Says which target a URL may stand for. */
function suggestTarget(text: string): string {
  const [, scheme = '', host = '', port] =
    /^([\w+.-]+):\/\/(?:[^/?#]*@)?([\w.-]+|\[[\da-f:.]+\])(?::(\d+))?(?=[/?#]|$)/i.exec(text) ?? [];
  if (host === '') return 'a target is HOST:PORT, without a scheme';
  return `did you mean ${host}:${port ?? ports[scheme.toLowerCase()] ?? 'PORT'}? A proxy is named by -x`;
}

function hintsFor(text: string): string[] {
  if (text.startsWith(':')) return [`write the host: HOST${text.length < 64 ? text : ':22'}`];
  return text.includes(':') ? [] : [`write the port: ${text.length < 64 ? text : 'HOST'}:22`];
}
