import type { ForwardStage, Graph, RouteName, RouteOptions } from '../../chain/model/graph.ts';
import { startGraph } from '../graph/graph.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { ForwardOptions } from './options.ts';

/**
 * Opens the listeners of all specs, each leading to its target.
 * @throws {TunlError} usage or address_in_use, with `check` also why a target is not reached; then no listener is left open
 */
export function startForward(options: ForwardOptions, runtime: Runtime): Promise<Running> {
  const { check = false } = options;
  return startGraph(toForwardGraph(options), runtime, { check });
}

/** The graph of `forward`: a stage for each spec, and all with one route, but for those that go past its hops. */
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
