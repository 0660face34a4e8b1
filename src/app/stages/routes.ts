import {
  type Stage,
  type Graph,
  isFusible,
  listInnerExits,
  listNames,
  listStages,
  type RouteName,
  type Upstream,
} from '../../chain/model/graph.ts';
import type { InternalAddress } from '../../core/address.ts';
import type { Dial } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { NameSource } from '../../dial/resolve.ts';
import type { OffLimits } from '../off-limits.ts';
import { createRoute, type Route } from './route.ts';
import { countAs, type Traffic } from '../admin/traffic.ts';

/** What the routes of a generation run in. */
export interface RouteEnv {
  /** Places that no tunnel may lead to. */
  readonly offLimits?: OffLimits;
  /** What is counted; absent where nobody asks. */
  readonly traffic?: Traffic;
}

/** Makes each route of a graph once: who refers to it shares it, and with it the sessions with its hops. */
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
   * Finds the route that a stage or an upstream refers to. Its connections are counted under the name of the user.
   * @param resolver who is asked for names where the route does not say it: who ask others share nothing
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
    const { offLimits, traffic } = this.#env;
    const made = createRoute(options, {
      dialInternal: this.#dialInternal,
      resolver,
      ...(offLimits && { offLimits }),
      ...(traffic && { nearest: traffic.watch }),
      sessions: options.entry && isOriginSeen(this.#stages, options.entry) ? 'per-tunnel' : 'shared',
    }).then((route) => {
      this.#made.push(route);
      return route;
    });
    this.#routes.set(key, made);
    return made;
  }

  /** True where somebody behind an upstream sees whose request it is. */
  isOriginSeen({ to, route }: Upstream<RouteName>): boolean {
    const entry = this.#graph.routes.get(route)?.entry;
    const places = entry ? [entry] : 'field' in to ? [] : to.targets.filter((target) => target.kind === 'internal');
    return places.some((place) => isOriginSeen(this.#stages, place));
  }

  all(): readonly Route[] {
    return this.#made;
  }
}

/**
 * True where a stage that is not fused stands behind a name. It sees whose Link it has, and must not take the
 * tunnel of one client for that of another.
 */
function isOriginSeen(stages: readonly Stage[], { name }: InternalAddress): boolean {
  const stage = stages.find((candidate) => listNames(candidate).includes(name));
  return stage !== undefined && (!isFusible(stage) || listInnerExits(stage).some((exit) => isOriginSeen(stages, exit)));
}
