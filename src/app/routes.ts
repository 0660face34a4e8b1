import { type Graph, isFusible, listExits, listNames, type RouteOptions, type Upstream } from '../chain/model.ts';
import type { InternalAddress } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import type { NameSource } from '../dial/resolve.ts';
import type { OffLimits } from './off-limits.ts';
import { createRoute, type Route } from './route.ts';
import { countAs, type Traffic } from './traffic.ts';

/** What the routes of a generation run in. */
export interface RouteEnv {
  /** Places that no tunnel may lead to. */
  readonly offLimits?: OffLimits;
  /** What is counted; absent where nobody asks. */
  readonly traffic?: Traffic;
}

/** Stages with the very same options share a route, and with it the sessions with its hops. */
export class RouteCache {
  readonly #routes = new Map<RouteOptions, Promise<Route>>();
  readonly #made: Route[] = [];
  readonly #graph: Graph;
  readonly #dialInternal: Dial;
  readonly #env: RouteEnv;

  constructor(graph: Graph, dialInternal: Dial, env: RouteEnv) {
    this.#graph = graph;
    this.#dialInternal = dialInternal;
    this.#env = env;
  }

  /**
   * The route for the stage or upstream of that name, which is what its connections are counted under, and who is
   * asked for names where its options do not say it.
   */
  async get(name: string, options: RouteOptions, resolver: NameSource = 'dns'): Promise<Route> {
    const route = await this.#find(options, resolver);
    if (!this.#env.traffic) return route;
    return { ...route, dial: countAs(name, route.dial), dialOnce: countAs(name, route.dialOnce) };
  }

  #find(options: RouteOptions, resolver: NameSource): Promise<Route> {
    const known = this.#routes.get(options);
    if (known) return known;
    const { offLimits, traffic } = this.#env;
    const made = createRoute(options, {
      dialInternal: this.#dialInternal,
      resolver,
      ...(offLimits && { offLimits }),
      ...(traffic && { nearest: traffic.watch }),
      sessions: options.entry && isOriginSeen(this.#graph, options.entry) ? 'per-tunnel' : 'shared',
    }).then((route) => {
      this.#made.push(route);
      return route;
    });
    this.#routes.set(options, made);
    return made;
  }

  /** True where somebody behind an upstream sees whose request it is. */
  isOriginSeen({ to, route: { entry } }: Upstream): boolean {
    const places = entry ? [entry] : 'field' in to ? [] : to.targets.filter((target) => target.kind === 'internal');
    return places.some((place) => isOriginSeen(this.#graph, place));
  }

  all(): readonly Route[] {
    return this.#made;
  }
}

/**
 * True where a stage that is not fused stands behind a name. It sees whose Link it has, and must not take the
 * tunnel of one client for that of another.
 */
function isOriginSeen(graph: Graph, { name }: InternalAddress): boolean {
  const stage = graph.stages.find((candidate) => listNames(candidate).includes(name));
  return stage !== undefined && (!isFusible(stage) || listExits(stage).some((exit) => isOriginSeen(graph, exit)));
}
