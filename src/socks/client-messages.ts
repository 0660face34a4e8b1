import type { TcpAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { toBytes } from '../core/ip.ts';
import { encodeOctets } from '../core/octets.ts';
import type { Credentials } from '../core/secret.ts';
import { addressTypes, connectCommand, maxTextBytes, versions } from './wire.ts';

/** Writes the first message of SOCKS 5, which offers ways to log on. */
export function formatGreeting(offered: readonly number[]): Buffer {
  return Buffer.from([versions.socks5, offered.length, ...offered]);
}

/**
 * Writes the login of SOCKS 5 (RFC 1929, section 2). Many clients send an empty password, so it is allowed.
 * @throws {TunlError} usage, if the user or the password does not fit
 */
export function formatLogin({ user, password }: Credentials): Buffer {
  const [name, secret] = [encodeOctets(user), encodeOctets(password.reveal())];
  if (name.length === 0) throw usageError('SOCKS has no empty user names');
  return Buffer.concat([
    Buffer.from([versions.login]),
    withLength(name, 'the user name'),
    withLength(secret, 'the password'),
  ]);
}

/**
 * Writes the request of SOCKS 5 for a tunnel (RFC 1928, section 4): with the first of the address's IP addresses if it is
 * resolved, otherwise with its name.
 * @throws {TunlError} usage, if the name is too long
 */
export function formatSocks5Request(address: TcpAddress): Buffer {
  return Buffer.concat([
    Buffer.from([versions.socks5, connectCommand, 0]),
    formatSocks5Host(address),
    formatPort(address),
  ]);
}

function formatSocks5Host(address: TcpAddress): Buffer {
  const bytes = findIpBytes(address);
  if (!bytes) {
    return Buffer.concat([
      Buffer.from([addressTypes.name]),
      withLength(Buffer.from(address.host, 'latin1'), 'the name'),
    ]);
  }
  return Buffer.from([bytes.length === 4 ? addressTypes.ipv4 : addressTypes.ipv6, ...bytes]);
}

/**
 * Writes the request of SOCKS 4 for a tunnel. A name follows the user, and 0.0.0.1 stands in the place of its address:
 * that is SOCKS 4a. An IPv6 address is sent like a name, as curl does.
 * @throws {TunlError} usage, if the user contains a NUL, or the name is too long
 */
export function formatSocks4Request(address: TcpAddress, user = ''): Buffer {
  const bytes = findIpBytes(address);
  const id = encodeOctets(user);
  if (id.includes(0)) throw usageError('SOCKS4 has no user names with a NUL');
  assertFits(id, 'the user name');
  const head = Buffer.from([versions.socks4, connectCommand]);
  if (bytes?.length === 4) return Buffer.concat([head, formatPort(address), Buffer.from(bytes), id, Buffer.of(0)]);
  const name = Buffer.from(address.host, 'latin1');
  assertFits(name, 'the name');
  return Buffer.concat([head, formatPort(address), Buffer.of(0, 0, 0, 1), id, Buffer.of(0), name, Buffer.of(0)]);
}

function findIpBytes({ host, resolved }: TcpAddress): readonly number[] | undefined {
  return toBytes(resolved?.[0]?.address ?? host);
}

function formatPort({ port }: TcpAddress): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}

function withLength(text: Buffer, what: string): Buffer {
  assertFits(text, what);
  return Buffer.concat([Buffer.of(text.length), text]);
}

function assertFits({ length }: Buffer, what: string): void {
  if (length <= maxTextBytes) return;
  throw usageError(`${what} has ${length} bytes, and SOCKS has room for ${maxTextBytes}`);
}
