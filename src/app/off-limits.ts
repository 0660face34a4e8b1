import { type Graph, listStages, listRoutesOut, type RouteOptions, type Target } from '../chain/model/graph.ts';
import { type Address, formatAddress } from '../core/address.ts';
import type { Layer } from '../core/dialer.ts';
import { TunlError, usageError } from '../core/errors.ts';
import { listMeanings } from '../core/ip.ts';
import { isLoopbackOnly, isOwn, isOwnPath, isThisMachine } from '../policy/own.ts';
import type { HopChoice } from '../chain/model/graph.ts';

/**
 * Guards the addresses of this process that no tunnel may reach. It looks them up at each dial, because a reload may
 * move them and routes made before the reload use the same check.
 */
export class OffLimits {
  readonly #places: () => readonly Address[];

  constructor(places: () => readonly Address[]) {
    this.#places = places;
  }

  /**
   * Checks an address before a connection to it is opened.
   * @throws {TunlError} destination_ip_prohibited
   */
  assertAllowed(place: Address): void {
    if (isAmong(place, this.#places())) throw prohibited(place);
  }

  /**
   * Makes a layer that checks the address that the last of these hops is asked for. A proxy on this machine could reach
   * us by loopback names too; a proxy elsewhere only by the names that other machines use for this one.
   */
  guardBeyond(hops: readonly HopChoice[]): Layer {
    const isLocal = areLocal(hops);
    return (next) => (address, ctx) => {
      const isProhibited = isAmongBeyond(address, isLocal, this.#places());
      return isProhibited ? Promise.reject(prohibited(address)) : next(address, ctx);
    };
  }
}

/**
 * Refuses a graph in which `own`, an address that no tunnel may reach, certainly is a hop or a target.
 * @throws {TunlError} usage, with the stage
 */
export function assertNotLedTo(own: Address, graph: Graph): void {
  for (const stage of listStages(graph)) {
    for (const { to, route } of listRoutesOut(stage)) {
      const led = findLed(own, to?.targets ?? [], route);
      if (!led) continue;
      const message = `${formatAddress(led)} is the admin address`;
      throw usageError(message, 'no tunnel may lead there').with({ stage: stage.name });
    }
  }
}

function findLed(own: Address, targets: readonly Target[], { hops, entry }: RouteOptions): Address | undefined {
  // The addresses dialled at each step of the way: the first by us, the others by the proxies before them.
  const asked: (readonly Address[])[] = [...hops.map((choice) => choice.map(({ address }) => address)), targets];
  return asked.flatMap((places, index) => {
    if (index === 0) return entry ? [] : places.filter((place) => isAmong(place, [own]));
    const isLocal = !entry && areLocal(hops.slice(0, index));
    return places.filter((place) => isAmongBeyond(place, isLocal, [own]));
  })[0];
}

function areLocal(hops: readonly HopChoice[]): boolean {
  return hops.every((choice) => choice.some(({ address }) => address.kind === 'unix' || isThisMachine(address.host)));
}

function isAmong(place: Address, own: readonly Address[]): boolean {
  if (own.length === 0) return false;
  if (place.kind === 'unix') return isOwnPath(place.path, own);
  if (place.kind !== 'tcp') return false;
  return listMeanings(place.host).some((bytes) => isOwn(bytes, place.port, own.flatMap(listSpellings)));
}

/** Checks an address that a proxy dials: for a proxy on another machine, loopback means that machine. */
function isAmongBeyond(place: Address, isLocal: boolean, own: readonly Address[]): boolean {
  if (place.kind !== 'tcp' || !isAmong(place, own)) return false;
  return isLocal || !isLoopbackOnly(place.host);
}

/** Lists the addresses that an unbound address stands for: `*` is every address, and `localhost` is two of them. */
function listSpellings(address: Address): readonly Address[] {
  if (address.kind !== 'tcp') return [address];
  const { host, port } = address;
  if (host === '*') return [{ kind: 'tcp', host: '::', port }];
  if (listMeanings(host).length < 2) return [{ ...address, host: host.replace(/%.*$/s, '') }];
  return ['127.0.0.1', '::1'].map((loopback) => ({ kind: 'tcp', host: loopback, port }));
}

function prohibited(place: Address): TunlError {
  const message = `${formatAddress(place)} is the admin address of this program`;
  return new TunlError('destination_ip_prohibited', message, {
    side: 'client',
    phase: 'policy',
    hints: ['no tunnel may lead there'],
  });
}
