import type { Graph, ProxyStage, RouteName } from '../../chain/model/graph.ts';
import { startGraph } from '../graph/graph.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { ServeOptions } from './options.ts';

/**
 * Runs the proxy.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export function startServe(options: ServeOptions, runtime: Runtime): Promise<Running> {
  return startGraph(toServeGraph(options), runtime);
}

/** Makes the graph of `serve`, which has one stage. */
export function toServeGraph({ admin, adminOpen, ...options }: ServeOptions): Graph {
  const stage: ProxyStage<RouteName> = { ...options, name: 'serve', job: 'proxy', route: 'serve', log: false };
  return {
    routes: new Map([['serve', options]]),
    stages: [stage],
    ...(admin && { admin }),
    ...(adminOpen && { adminOpen }),
  };
}
