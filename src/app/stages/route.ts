import { isIP } from 'node:net';
import { triesModes } from '../../carriers/index.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import { type Dial, pipe, type Layer } from '../../core/dialer.ts';
import type { Session } from '../../core/carrier.ts';
import { type ErrorCode, TunlError, usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import { formatHop, type Hop } from '../../core/hop.ts';
import { createDirect } from '../../dial/direct.ts';
import { createResolve, limitResolve, type NameSource, type Resolve } from '../../dial/resolve.ts';
import { eachInTurn, firstOf, orDirect } from '../../dial/first-of.ts';
import { withRetry } from '../../dial/retry.ts';
import { createHopLayer } from './hop.ts';
import type { TakePool } from '../kept-pools.ts';
import type { OffLimits } from '../off-limits.ts';
import type { HopChoice, RouteOptions } from '../../chain/model/graph.ts';

/** The way to any target: a Dial through all hops, and its parts. */
export interface Route {
  readonly options: RouteOptions;
  /** Dials with as many retries as the options say. */
  readonly dial: Dial;
  /** The same Dial without retries, and the layer that adds them: with several targets each try chooses one. */
  readonly dialOnce: Dial;
  readonly retry: Layer;
  /** Resolves names within the limit for DNS. */
  readonly resolve: Resolve;
  /** The hops as URLs without secrets, nearest first. */
  readonly via: readonly string[];
  /** True if the way passes through a stage of this process before the first hop; `via` begins with that stage. */
  readonly startsInside: boolean;
  /**
   * Reads the certificates and keys of all hops again, for later sessions.
   * @throws {TunlError} usage, naming the file; its hop keeps the previous files
   */
  reload(): Promise<void>;
  /** Closes the sessions with hops that are kept for later tunnels. */
  close(): Promise<void>;
}

/** The parts that a command adds to a route. */
export interface RouteParts {
  /** Layers between the last hop and the retries. */
  readonly inner?: readonly Layer[];
  /** Opens Links to the stages of this process. */
  readonly dialInternal?: Dial;
  /** The addresses that no tunnel may reach. */
  readonly offLimits?: OffLimits;
  /** The layer directly above the sockets. */
  readonly nearest?: Layer;
  /** The source of addresses if the options name none; the name servers if absent. */
  readonly resolver?: NameSource;
  /** Where is told what becomes of certificates while tunnels run. */
  readonly emit?: EventSink;
  /** `per-tunnel` if a stage on the way to the first hop needs to know the client of each tunnel. */
  readonly sessions?: 'shared' | 'per-tunnel';
  /** Finds the sessions that an earlier generation has opened in the same way; absent if none are kept. */
  readonly takePool?: TakePool<Session>;
  /** Aborted when the route is replaced: certificates are no longer renewed, and sessions live on. */
  readonly until?: AbortSignal;
}

/**
 * Builds `pipe(direct, firstOf(via(…), …), …, retry)`, with one `firstOf` or `eachInTurn` for each place on the way.
 * Certificates and keys are read here, before anything is opened.
 * @throws {TunlError} usage, if the certificates or keys of a hop cannot be used
 */
export async function createRoute(
  options: RouteOptions,
  {
    inner = [],
    dialInternal,
    offLimits,
    nearest = (next) => next,
    resolver,
    sessions = 'shared',
    emit = () => {},
    takePool,
    until,
  }: RouteParts = {},
): Promise<Route> {
  const { hops, entry, limits, hopBalance, sourceAddress, sendProxyProtocol } = options;
  const choose = hopBalance === 'round-robin' ? eachInTurn : firstOf;
  const { connectMs } = limits;
  const resolve = createRouteResolve(options, resolver);
  const assertAllowed = offLimits && ((place: Address) => offLimits.assertAllowed(place));
  const announce = sendProxyProtocol
    ? [(await import('../../dial/proxy-header.ts')).withProxyHeader(sendProxyProtocol, 'reached')]
    : [];
  const connect = createDirect({
    resolve,
    connectMs,
    ...(sourceAddress !== undefined && { source: sourceAddress }),
    ...(assertAllowed && { assertAllowed }),
    ...(dialInternal && { dialInternal }),
  });
  const sockets = pipe(connect, ...announce);
  const direct = nearest(sockets);
  const bottom: Dial = entry ? (_address, ctx) => direct(entry, ctx) : direct;
  const makeWay = async (hop: Hop, index: number) => {
    if (!hop.chooser) {
      const parts = { options, resolve, sessions, emit, ...(until && { until }) };
      if (!triesModes(hop)) return createHopLayer(hop, index, { ...parts, ...(takePool && { takePool }) });
      const { createModesLayer } = await import('./modes.ts');
      return createModesLayer(hop, index, parts);
    }
    const { createChosenLayer } = await import('./chosen.ts');
    return createChosenLayer(hop, index, { options, direct: sockets, resolve, sessions, emit });
  };
  const split = hops.map(splitDirect);
  const places = await Promise.all(
    split.map(({ proxies }, index) => Promise.all(proxies.map((hop) => makeWay(hop, index)))),
  );
  const layers = places.flatMap((ways, index) => {
    const chosen = choose(ways.map((way) => way.layer));
    const layer = split[index]?.orDirect ? orDirect(chosen, index + 1) : chosen;
    return offLimits ? [layer, offLimits.guardBeyond(hops.slice(0, index + 1))] : [layer];
  });
  const dialOnce = pipe(bottom, ...(hops.length === 0 ? [blameTarget] : layers), ...inner);
  const retry = createRetry(options);
  return {
    options,
    dial: retry(dialOnce),
    dialOnce,
    retry,
    resolve,
    via: [...(entry ? [formatAddress(entry)] : []), ...hops.map((choice) => choice.map(formatHop).join('|'))],
    startsInside: entry !== undefined,
    reload: async () => {
      await Promise.all(places.flat().map((way) => way.reload()));
    },
    // The last hop is closed first, because its sessions run inside those of the hops before it.
    close: async () => {
      for (const ways of places.toReversed()) await Promise.all(ways.map((way) => way.close()));
    },
  };
}

/**
 * Makes the resolver of a route, within its limit for DNS.
 * @param usual the source of names if the route does not set one
 */
export function createRouteResolve(
  { family, limits, resolver, sourceAddress }: RouteOptions,
  usual: NameSource | undefined,
): Resolve {
  const source = resolver ?? usual;
  const version = family ?? (sourceAddress === undefined ? undefined : isIP(sourceAddress) === 6 ? 6 : 4);
  const names = createResolve({ ...(version && { family: version }), ...(source && { resolver: source }) });
  return limitResolve(names, limits.dnsMs);
}

function createRetry({ retries = 0, backOff, retryOn }: RouteOptions): Layer {
  if (retries === 0) return (next) => next;
  return withRetry(retries, { ...(backOff && { backOff }), ...(retryOn && { on: retryOn }) });
}

/**
 * Separates `direct` from the proxies of one place.
 * @throws {TunlError} usage, if it is not the last alternative to the first proxy on the way
 */
function splitDirect(choice: HopChoice, index: number): { readonly proxies: HopChoice; readonly orDirect: boolean } {
  const at = choice.findIndex(({ chooser }) => chooser?.kind === 'direct');
  if (at < 0) return { proxies: choice, orDirect: false };
  if (at === 0) throw usageError('direct stands for no proxy at all, and there is none before it', 'write --direct');
  if (index > 0) throw usageError('direct can only be an alternative to the first proxy on the way');
  if (at < choice.length - 1) throw usageError('direct is always reached, so nothing behind it is tried');
  return { proxies: choice.slice(0, at), orDirect: true };
}

/** The failures that are ours, whatever was dialled. */
const own: ReadonlySet<ErrorCode> = new Set(['interrupted', 'usage', 'internal', 'proxy_internal_error']);

/** Attributes failures to the target; used if there are no hops. */
const blameTarget: Layer = (next) => (address, ctx) => next(address, ctx).catch(blame);

function blame(error: unknown): never {
  throw error instanceof TunlError && !own.has(error.code) ? error.with({ side: 'target' }) : error;
}
