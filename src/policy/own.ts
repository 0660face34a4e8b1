import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type IpBytes, isLoopbackBytes, isSameIp, isUnspecified, listMeanings, toBytes } from '../core/ip.ts';
import type { Address, TcpAddress } from '../core/address.ts';
import { isAbstract, isSameUnixPath } from '../core/unix-path.ts';
import { embeddedIn } from './embedded.ts';

/**
 * True if dialling this address and port would reach one of our own listeners (RFC 9110, section 7.6). Their addresses
 * are given as bound, and `0.0.0.0` and `::` stand for all interfaces.
 */
export function isOwn(bytes: IpBytes, port: number, own: readonly Address[]): boolean {
  const listeners = own.filter((listener) => listener.kind === 'tcp' && listener.port === port) as TcpAddress[];
  if (listeners.length === 0) return false;
  const places = [bytes, ...embeddedIn(bytes)].map(followUnspecified);
  return listeners.some(({ host }) => {
    const bound = toBytes(host);
    return bound !== undefined && places.some((place) => isReached(bound, place));
  });
}

/** True if connecting to this socket would reach one of our own, also by another path or through links. */
export function isOwnPath(path: string, own: readonly Address[]): boolean {
  const file = readIdentity(path);
  return own.some((listener) => {
    if (listener.kind !== 'unix') return false;
    return isSameUnixPath(listener.path, path) || (file !== undefined && file === readIdentity(listener.path));
  });
}

/** True for a host that can only mean loopback, on whichever machine it is dialled. */
export function isLoopbackOnly(host: string): boolean {
  const meanings = listMeanings(host).map(followUnspecified);
  return meanings.length > 0 && meanings.every(isLoopbackBytes);
}

/** True for a host that is certainly this machine, by one of its addresses or by loopback. */
export function isThisMachine(host: string): boolean {
  return listMeanings(host)
    .map(followUnspecified)
    .some((bytes) => isLoopbackBytes(bytes) || isOnThisMachine(bytes));
}

function readIdentity(path: string): string | undefined {
  if (isAbstract(path)) return undefined;
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function isReached(bound: IpBytes, place: IpBytes): boolean {
  if (!isUnspecified(bound)) return isSameIp(bound, place);
  // A socket bound to :: accepts IPv4 as well; one bound to 0.0.0.0 accepts only IPv4.
  return bound.length >= place.length && (isLoopbackBytes(place) || isOnThisMachine(place));
}

function isOnThisMachine(place: IpBytes): boolean {
  const assigned = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return assigned.some(({ address }) => isSameIp(toBytes(address), place));
}

/** Replaces the unspecified address by loopback, which connecting to it reaches. */
function followUnspecified(bytes: IpBytes): IpBytes {
  if (!isUnspecified(bytes)) return bytes;
  return bytes.length === 4 ? [127, 0, 0, 1] : [...bytes.slice(0, 15), 1];
}
