import type { Address } from '../../core/address.ts';
import { isLoopbackBytes, isSameIp, isUnspecified, listMeanings } from '../../core/ip.ts';
import { isSameUnixPath } from '../../core/unix-path.ts';
import type { Stage } from '../model/graph.ts';

/**
 * Finds the stage that certainly accepts connections to an address, as far as the graph tells: no name is resolved, and
 * the addresses of this machine are not looked at, so that a file is drawn in the same way everywhere.
 */
export function findOwnStage(address: Address, stages: Iterable<Stage>): Stage | undefined {
  return [...stages].find(({ listen }) => listen.some((listener) => isReached(listener, address)));
}

function isReached(listener: Address, address: Address): boolean {
  if (listener.kind === 'internal' && address.kind === 'internal') return listener.name === address.name;
  if (listener.kind === 'unix' && address.kind === 'unix') return isSameUnixPath(listener.path, address.path);
  if (listener.kind !== 'tcp' || address.kind !== 'tcp') return false;
  if (listener.port !== address.port) return false;
  return listener.host === address.host || isReachedHost(listener.host, address.host);
}

function isReachedHost(listener: string, host: string): boolean {
  const places = listMeanings(host);
  return listMeanings(listener).some((bound) =>
    places.some((place) => {
      if (!isUnspecified(bound)) return isSameIp(bound, place) || (isUnspecified(place) && isLoopbackBytes(bound));
      // A socket bound to :: accepts IPv4 as well; one bound to 0.0.0.0 accepts only IPv4.
      return bound.length >= place.length && (isLoopbackBytes(place) || isUnspecified(place));
    }),
  );
}
