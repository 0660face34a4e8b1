import { resolve } from 'node:path';
import { formatAddress, type ListenAddress, type UnixAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { isAbstract, isSameUnixPath, maxUnixPathBytes, readUnixPath } from '../core/unix-path.ts';
import { parseHost } from './authority.ts';
import { toAsciiName } from './host.ts';
import { asUsage, quote } from './text.ts';

/** The default bind address; `forward` listens on both loopback addresses instead. */
const loopback = '127.0.0.1';

/**
 * Reads an ADDRESS: `8080`, `0.0.0.0:8080`, `[::]:8080`, `:8080` and `*:8080` for all addresses of the machine,
 * `unix:PATH`, `fd:3`. Port 0 means a free port.
 * @throws {TunlError} usage
 */
export function parseListen(text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseUnix(text);
  if (text.startsWith('fd:')) return parseFd(text);
  const at = text.lastIndexOf(':');
  if (at < 0) return { kind: 'tcp', host: loopback, port: parseListenPort(text, text) };
  return { kind: 'tcp', host: parseBind(text.slice(0, at), text), port: parseListenPort(text.slice(at + 1), text) };
}

/** A kind of front, and the address behind it, which is empty for a free port. */
export interface FrontText {
  readonly front: string;
  readonly address: string;
}

/** Splits the kind of a front from its address: `socks:1080`, `http:`; returns undefined if the text begins with no kind. */
export function splitFront(text: string, kinds: readonly string[]): FrontText | undefined {
  const at = text.indexOf(':');
  const front = kinds.find((kind) => kind === text.slice(0, at));
  return front === undefined ? undefined : { front, address: text.slice(at + 1) };
}

/** Reads `unix:PATH` or `unix:@NAME`, to listen on or to dial. @throws {TunlError} usage */
export function parseUnix(text: string): UnixAddress {
  const path = text.slice('unix:'.length);
  if (path === '') throw usageError(`${quote(text)} has no path`, 'write unix:/run/tunl.sock');
  const size = Buffer.byteLength(path);
  if (size > maxUnixPathBytes) {
    throw usageError(`${quote(text)}: the path has ${size} bytes, and a socket's path at most ${maxUnixPathBytes}`);
  }
  return { kind: 'unix', path: readUnixPath(path) };
}

/**
 * Checks the address of a Unix socket to connect to, and writes it as `unix:PATH`; `unix:///PATH` is the same.
 * @param name the option or setting, for messages
 * @throws {TunlError} usage
 */
export function parseSocket(text: string, name: string): string {
  if (!text.startsWith('unix:')) throw usageError(`${name} ${quote(text)} is no socket`, 'write unix:PATH');
  const plain = text.replace(/^unix:\/\/(?=\/)/, 'unix:');
  parseUnix(plain);
  return plain;
}

/** Makes the path of a socket absolute. @throws {TunlError} usage, if the absolute path is too long */
export function resolveUnix(address: UnixAddress, folder: string): UnixAddress {
  return isAbstract(address.path) ? address : parseUnix(`unix:${resolve(folder, address.path)}`);
}

/** Reads `fd:N`. @throws {TunlError} usage */
export function parseFd(text: string): { readonly kind: 'fd'; readonly fd: number } {
  const digits = text.slice('fd:'.length);
  const fd = /^\d{1,9}$/.test(digits) ? Number(digits) : NaN;
  // 1 and 2 are our own output.
  if (Number.isNaN(fd) || fd === 1 || fd === 2)
    throw usageError(`${quote(text)} is not an inherited descriptor`, 'write fd:3');
  return { kind: 'fd', fd };
}

/** Reads the bind address of a listener; empty and `*` mean all addresses. @throws {TunlError} usage */
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

/** Reads the port of a listener, 0 included. @throws {TunlError} usage */
export function parseListenPort(port: string, whole: string): number {
  const number = /^(?:0|[1-9]\d{0,4})$/.test(port) ? Number(port) : NaN;
  if (number <= 65535) return number;
  const what = port === '' ? 'has no port to listen on' : `: ${quote(port)} is not a port from 0 to 65535`;
  throw usageError(`${quote(whole)}${port === '' ? ' ' : ''}${what}`, 'a listener is [BIND:]PORT, unix:PATH or fd:N');
}

/** Checks that listeners have different addresses. @throws {TunlError} usage, if two have the same */
export function refuseDuplicates(addresses: readonly ListenAddress[]): void {
  for (const [index, address] of addresses.entries()) {
    const rival = addresses.slice(0, index).find((other) => isSamePlace(other, address) || isSamePlace(address, other));
    if (!rival) continue;
    const [first, second] = [formatAddress(rival), formatAddress(address)];
    throw usageError(
      first === second
        ? `${quote(second)} is given twice as an address to listen on`
        : `tunl cannot listen on both ${quote(first)} and ${quote(second)}`,
      address.kind === 'tcp'
        ? 'give each listener its own port; port 0 means a free one'
        : 'give each listener its own address',
    );
  }
}

/** True if the first address includes the second: it is the same, or stands for all addresses. */
export function isSamePlace(first: ListenAddress, second: ListenAddress): boolean {
  if (first.kind === 'unix' && second.kind === 'unix') return isSameUnixPath(first.path, second.path);
  if (first.kind !== 'tcp' || second.kind !== 'tcp') return formatAddress(first) === formatAddress(second);
  if (first.port === 0 || first.port !== second.port) return false;
  // `*` and `::` include IPv4.
  const isAll = first.host === '*' || first.host === '::' || (first.host === '0.0.0.0' && !second.host.includes(':'));
  // `localhost` is both loopback addresses.
  const isBoth = first.host === 'localhost' && (second.host === '127.0.0.1' || second.host === '::1');
  return isAll || isBoth || first.host === second.host;
}
