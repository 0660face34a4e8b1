import type { ForwardStage, Graph, ProxyStage, RouteName, RouteOptions } from '../../chain/model/graph.ts';
import { startGraph } from '../graph/graph.ts';
import { recallHops } from '../recall.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { ForwardOptions, FrontAccess } from './options.ts';

/**
 * Opens the listeners of all specs and forwards each to its target.
 * @throws {TunlError} usage or address_in_use, and with `check` the failure of a target that is not reached; no
 * listener is left open then
 */
export async function startForward(options: ForwardOptions, runtime: Runtime): Promise<Running> {
  const { check = false, hops, cacheEnv } = options;
  const memory = await recallHops(hops, cacheEnv, runtime);
  return startGraph(toForwardGraph({ ...options, hops: memory?.hops ?? hops }), runtime, { check });
}

/** The access to fronts without users and rules: all of this machine may use them. */
const openAccess: FrontAccess = { users: {}, allow: [], deny: [] };

/**
 * Makes the graph of `forward`: one stage for each spec. All share one route, except those whose targets are reached
 * directly.
 */
export function toForwardGraph(options: ForwardOptions): Graph {
  const { specs, direct, access = openAccess } = options;
  const stages = specs.map((spec, index): ForwardStage<RouteName> | ProxyStage<RouteName> => {
    const shared = { name: `forward-${index + 1}`, listen: [spec.listen], log: false };
    if ('front' in spec) return { ...shared, ...access, job: 'proxy', front: spec.front, accept: [], route: 'hops' };
    const { target } = spec;
    return {
      ...shared,
      job: 'forward',
      to: { targets: [target], balance: 'first' },
      route: direct?.has(target) ? 'direct' : 'hops',
    };
  });
  const routes = new Map<RouteName, RouteOptions>([
    ['hops', options],
    ['direct', { ...options, hops: [] }],
  ]);
  return { routes, stages };
}
