import { resolve } from 'node:path';
import { formatAddress, type ListenAddress, type UnixAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { isAbstract, isSameUnixPath, readUnixPath } from '../core/unix-path.ts';
import { parseHost } from '../http/authority.ts';
import { toAsciiName } from './host.ts';
import { asUsage, quote } from './text.ts';

/** The bind address where none is given; `forward` listens on both loopback addresses then. */
const loopback = '127.0.0.1';

/** Longest path of a socket: `sun_path` without its final NUL. The system would cut a longer one. */
const maxPathBytes = process.platform === 'linux' ? 107 : 103;

/**
 * Reads an ADDRESS: `8080`, `0.0.0.0:8080`, `[::]:8080`, `:8080` and `*:8080` for every address of
 * the machine, `unix:PATH`, `fd:3`. Port 0 is a free port.
 * @throws {TunlError} usage
 */
export function parseListen(text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseUnix(text);
  if (text.startsWith('fd:')) return parseFd(text);
  const at = text.lastIndexOf(':');
  if (at < 0) return { kind: 'tcp', host: loopback, port: parseListenPort(text, text) };
  return { kind: 'tcp', host: parseBind(text.slice(0, at), text), port: parseListenPort(text.slice(at + 1), text) };
}

/** Reads `unix:PATH` or `unix:@NAME`, to listen on or to go to. @throws {TunlError} usage */
export function parseUnix(text: string): UnixAddress {
  const path = text.slice('unix:'.length);
  if (path === '') throw usageError(`${quote(text)} has no path`, 'write unix:/run/tunl.sock');
  const size = Buffer.byteLength(path);
  if (size > maxPathBytes) {
    throw usageError(`${quote(text)}: the path has ${size} bytes, and a socket's path at most ${maxPathBytes}`);
  }
  return { kind: 'unix', path: readUnixPath(path) };
}

/** The same socket for those whose current folder is another. @throws {TunlError} usage, when its path is too long then */
export function resolveUnix(address: UnixAddress, folder: string): UnixAddress {
  return isAbstract(address.path) ? address : parseUnix(`unix:${resolve(folder, address.path)}`);
}

/** Reads `fd:N`. @throws {TunlError} usage */
export function parseFd(text: string): { readonly kind: 'fd'; readonly fd: number } {
  const digits = text.slice('fd:'.length);
  const fd = /^\d{1,9}$/.test(digits) ? Number(digits) : NaN;
  // 1 and 2 are where we write.
  if (Number.isNaN(fd) || fd === 1 || fd === 2)
    throw usageError(`${quote(text)} is not an inherited descriptor`, 'write fd:3');
  return { kind: 'fd', fd };
}

/** The bind address of a listener; empty and `*` mean every address. @throws {TunlError} usage */
export function parseBind(bind: string, whole: string): string {
  if (bind === '' || bind === '*') return '*';
  if (!bind.startsWith('[') && bind.includes(':')) {
    throw usageError(
      `${quote(whole)}: ${quote(bind)} is not an address to listen on`,
      'an IPv6 address needs brackets: [::1]:8080',
    );
  }
  return asUsage(quote(whole), () => parseHost(toAsciiName(bind)), 'a listener is [BIND:]PORT, unix:PATH or fd:N');
}

/** The port of a listener, 0 included. @throws {TunlError} usage */
export function parseListenPort(port: string, whole: string): number {
  const number = /^(?:0|[1-9]\d{0,4})$/.test(port) ? Number(port) : NaN;
  if (number <= 65535) return number;
  const what = port === '' ? 'has no port to listen on' : `: ${quote(port)} is not a port from 0 to 65535`;
  throw usageError(`${quote(whole)}${port === '' ? ' ' : ''}${what}`, 'a listener is [BIND:]PORT, unix:PATH or fd:N');
}

/** @throws {TunlError} usage, when two listeners would need the same place */
export function refuseDuplicates(addresses: readonly ListenAddress[]): void {
  for (const [index, address] of addresses.entries()) {
    const rival = addresses.slice(0, index).find((other) => isSamePlace(other, address) || isSamePlace(address, other));
    if (!rival) continue;
    const [first, second] = [formatAddress(rival), formatAddress(address)];
    throw usageError(
      first === second
        ? `${quote(second)} is given twice as an address to listen on`
        : `${quote(first)} and ${quote(second)} cannot both be listened on`,
      address.kind === 'tcp'
        ? 'give each listener a port of its own; port 0 is a free one'
        : 'give each listener a place of its own',
    );
  }
}

/** True when the first address leaves no place for the second: it is the same, or is all of them. */
export function isSamePlace(first: ListenAddress, second: ListenAddress): boolean {
  if (first.kind === 'unix' && second.kind === 'unix') return isSameUnixPath(first.path, second.path);
  if (first.kind !== 'tcp' || second.kind !== 'tcp') return formatAddress(first) === formatAddress(second);
  if (first.port === 0 || first.port !== second.port) return false;
  // `*` and `::` take IPv4 as well.
  const isAll = first.host === '*' || first.host === '::' || (first.host === '0.0.0.0' && !second.host.includes(':'));
  // `localhost` is both loopback addresses.
  const isBoth = first.host === 'localhost' && (second.host === '127.0.0.1' || second.host === '::1');
  return isAll || isBoth || first.host === second.host;
}
