import { createSocket } from 'node:dgram';
import { hostname } from 'node:os';
import type { Ip } from '../../core/address.ts';

/** Addresses of the Internet, and then of private networks, to which a route is asked for. Nothing is sent to them. */
const publicPlaces = ['8.8.8.8', '2001:4860:4860::8888'];
const privatePlaces = ['10.0.0.0', '172.16.0.0', '192.168.0.0', 'fc00::'];

/** The time after which the system's answer is not waited for any more, in milliseconds. */
const limitMs = 500;

/**
 * Finds the addresses of this machine as Chrome does for `myIpAddress`: those from which the Internet is reached, or
 * else those of the machine's name, or else those from which private networks are reached. Loopback and link-local
 * addresses do not count; the list may be empty.
 * @param lookup finds the addresses of a name
 */
export async function findOwnAddresses(lookup: (host: string) => Promise<readonly Ip[]>): Promise<readonly string[]> {
  const outside = await findSources(publicPlaces);
  if (outside.length > 0) return outside;
  const named = (await lookup(hostname()).catch(() => [])).map(({ address }) => address).filter(isUseful);
  return named.length > 0 ? named : findSources(privatePlaces);
}

async function findSources(places: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(places.map(findRouteAddress));
  return [...new Set(found.flatMap((address) => address ?? []))].filter(isUseful);
}

/** Returns the address from which packets to a place would be sent. A UDP socket that is connected sends nothing. */
function findRouteAddress(place: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(place.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => settle(undefined), limitMs);
    const settle = (address: string | undefined) => {
      clearTimeout(timer);
      socket.removeAllListeners('connect').close();
      resolve(address);
    };
    socket.once('error', () => settle(undefined));
    socket.once('connect', () => settle(socket.address().address));
    socket.connect(53, place);
  });
}

function isUseful(address: string): boolean {
  return !/^(?:127\.|0\.|169\.254\.|::1?$|fe[89ab])/i.test(address);
}
