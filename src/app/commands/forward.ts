import type { ForwardStage, Graph, RouteName, RouteOptions } from '../../chain/model/graph.ts';
import { startGraph } from '../graph/graph.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { ForwardOptions } from './options.ts';

/**
 * Opens the listeners of all specs and forwards each to its target.
 * @throws {TunlError} usage or address_in_use, and with `check` the failure of a target that is not reached; no
 * listener is left open then
 */
export function startForward(options: ForwardOptions, runtime: Runtime): Promise<Running> {
  const { check = false } = options;
  return startGraph(toForwardGraph(options), runtime, { check });
}

/**
 * Makes the graph of `forward`: one stage for each spec. All share one route, except those whose targets are reached
 * directly.
 */
export function toForwardGraph(options: ForwardOptions): Graph {
  const { specs, direct } = options;
  const stages = specs.map(({ listen, target }, index): ForwardStage<RouteName> => ({
    name: `forward-${index + 1}`,
    job: 'forward',
    listen: [listen],
    to: { targets: [target], balance: 'first' },
    route: direct?.has(target) ? 'direct' : 'hops',
    log: false,
  }));
  const routes = new Map<RouteName, RouteOptions>([
    ['hops', options],
    ['direct', { ...options, hops: [] }],
  ]);
  return { routes, stages };
}
