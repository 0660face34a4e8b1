import { networkInterfaces } from 'node:os';
import { type IpBytes, toBytes } from '../core/ip-bytes.ts';
import type { Address } from '../core/address.ts';
import { embeddedIn } from './embedded.ts';
import { isLoopbackBytes } from './range.ts';

/**
 * True when dialling this address and port would reach one of our own listeners, given as bound
 * (RFC 9110, section 7.6). `0.0.0.0` and `::` stand for every interface.
 */
export function isOwn(bytes: IpBytes, port: number, own: readonly Address[]): boolean {
  const places = [bytes, ...embeddedIn(bytes)].map(followUnspecified);
  return own.some((listener) => {
    const bound = listener.kind === 'tcp' && listener.port === port ? toBytes(listener.host) : undefined;
    return bound !== undefined && places.some((place) => isReached(bound, place));
  });
}

function isReached(bound: IpBytes, place: IpBytes): boolean {
  if (!isUnspecified(bound)) return isSame(bound, place);
  // A socket bound to :: takes IPv4 as well; one bound to 0.0.0.0 takes nothing else.
  return bound.length >= place.length && (isLoopbackBytes(place) || isOnThisMachine(place));
}

function isOnThisMachine(place: IpBytes): boolean {
  const assigned = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return assigned.some(({ address }) => isSame(toBytes(address), place));
}

/** Connecting to the unspecified address reaches loopback. */
function followUnspecified(bytes: IpBytes): IpBytes {
  if (!isUnspecified(bytes)) return bytes;
  return bytes.length === 4 ? [127, 0, 0, 1] : [...bytes.slice(0, 15), 1];
}

function isUnspecified(bytes: IpBytes): boolean {
  return bytes.every((byte) => byte === 0);
}

function isSame(one: IpBytes | undefined, other: IpBytes): boolean {
  return one?.length === other.length && other.every((byte, index) => one[index] === byte);
}
