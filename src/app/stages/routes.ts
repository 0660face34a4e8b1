import {
  type Stage,
  type Graph,
  isFusible,
  listInnerExits,
  listNames,
  listStages,
  type RouteName,
  type RouteOptions,
  type Upstream,
} from '../../chain/model/graph.ts';
import type { InternalAddress } from '../../core/address.ts';
import type { Dial } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { Pooled } from '../../core/pool.ts';
import type { Connection } from '../../router/forwarder.ts';
import type { EventSink } from '../../core/events.ts';
import type { NameSource } from '../../dial/resolve.ts';
import type { PoolChoice, TakePool } from '../kept-pools.ts';
import type { OffLimits } from '../off-limits.ts';
import { createRoute, type Route } from './route.ts';
import { countAs, type Traffic } from '../admin/traffic.ts';

/**
 * The source of names for the routes of a stage that set none: where the clients are of this machine, the system may be
 * asked, as ssh does.
 */
export function sourceFor(stage: Stage<unknown>): NameSource {
  const isLocal = stage.job === 'forward' || (stage.job === 'proxy' && stage.front !== undefined);
  return isLocal ? 'both' : 'dns';
}

/** The parts of a generation that its routes use. */
export interface RouteEnv {
  /** The addresses that no tunnel may reach. */
  readonly offLimits?: OffLimits;
  /** The counters; absent if there is no admin address to read them. */
  readonly traffic?: Traffic;
  readonly emit: EventSink;
  /** The connections that generations hand on; absent if there are no others. */
  readonly pools?: PoolChoice;
  /** Aborted when another generation takes new connections. */
  readonly retired: AbortSignal;
}

/** Makes each route of a graph once; all stages that refer to a route share it and the sessions with its hops. */
export class RouteCache {
  readonly #routes = new Map<string, Promise<Route>>();
  readonly #made: Route[] = [];
  readonly #graph: Graph;
  readonly #stages: readonly Stage[];
  readonly #dialInternal: Dial;
  readonly #env: RouteEnv;

  constructor(graph: Graph, dialInternal: Dial, env: RouteEnv) {
    this.#graph = graph;
    this.#stages = listStages(graph);
    this.#dialInternal = dialInternal;
    this.#env = env;
  }

  /**
   * Finds the route that a stage or an upstream refers to. Its connections are counted under `user`, the name of that
   * stage or upstream.
   * @param resolver the source of names if the route does not set one; routes with different sources share nothing
   */
  async get(user: string, name: RouteName, resolver: NameSource = 'dns'): Promise<Route> {
    const route = await this.#find(name, resolver);
    if (!this.#env.traffic) return route;
    return { ...route, dial: countAs(user, route.dial), dialOnce: countAs(user, route.dialOnce) };
  }

  async #find(name: RouteName, resolver: NameSource): Promise<Route> {
    const options = this.#graph.routes.get(name);
    if (!options) throw new TunlError('internal', `there is no route ${name}`);
    const key = `${options.resolver ?? resolver} ${name}`;
    const known = this.#routes.get(key);
    if (known) return known;
    const { offLimits, traffic, emit, retired, pools } = this.#env;
    const made = createRoute(options, {
      dialInternal: this.#dialInternal,
      resolver,
      emit,
      until: retired,
      ...(offLimits && { offLimits }),
      ...(traffic && { nearest: traffic.watch }),
      ...(pools && canKeep(options) && { takePool: this.#taking(options, resolver, pools.sessions) }),
      sessions: this.#isSeenOn(options) ? 'per-tunnel' : 'shared',
    }).then((route) => {
      this.#made.push(route);
      return route;
    });
    this.#routes.set(key, made);
    return made;
  }

  /** Finds the pools of an upstream that has these routes; undefined if its connections end with the generation. */
  takeConnections(route: RouteOptions): TakePool<Connection> | undefined {
    const { pools } = this.#env;
    return pools && canKeep(route) ? this.#taking(route, 'dns', pools.connections) : undefined;
  }

  /** Adds to the identity of connections what is said of their route. */
  #taking<T extends Pooled>(options: RouteOptions, resolver: NameSource, take: TakePool<T>): TakePool<T> {
    const { limits: _ofOthers, hops: _byTheHop, ...route } = options;
    const counted = this.#env.traffic !== undefined;
    return (identity, make) => take({ ...identity, route, resolver, counted }, make);
  }

  /** True if each connection at the bottom of a route is that of one client. */
  #isSeenOn({ entry, sendProxyProtocol }: RouteOptions): boolean {
    return sendProxyProtocol !== undefined || (entry !== undefined && isOriginSeen(this.#stages, entry));
  }

  /** True if a stage behind an upstream, or behind a proxy, sees which client a request comes from. */
  isOriginSeen({ to, route }: { readonly to?: Upstream['to']; readonly route: RouteName }): boolean {
    const options = this.#graph.routes.get(route);
    if (options && this.#isSeenOn(options)) return true;
    const places = options?.entry
      ? []
      : !to || 'field' in to
        ? []
        : to.targets.filter((target) => target.kind === 'internal');
    return places.some((place) => isOriginSeen(this.#stages, place));
  }

  all(): readonly Route[] {
    return this.#made;
  }
}

/** False if connections run through a stage of their generation, or through proxies that are chosen for each of them. */
function canKeep({ entry, hops }: RouteOptions): boolean {
  return entry === undefined && !hops.flat().some(({ chooser }) => chooser);
}

/**
 * True if a stage that is not fused listens on a name. Such a stage sees the client of each Link, so a shared session
 * would show it the wrong client.
 */
function isOriginSeen(stages: readonly Stage[], { name }: InternalAddress): boolean {
  const stage = stages.find((candidate) => listNames(candidate).includes(name));
  if (!stage) return false;
  const isNamed = stage.job === 'forward' && stage.targetFormat !== undefined;
  const isSeen = !isFusible(stage) || isNamed || stage.route.sendProxyProtocol !== undefined;
  return isSeen || listInnerExits(stage).some((exit) => isOriginSeen(stages, exit));
}
