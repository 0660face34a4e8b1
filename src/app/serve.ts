import type { Graph, ProxyStage } from '../chain/model.ts';
import { startGraph } from './graph.ts';
import type { Running, Runtime, ServeOptions } from './options.ts';

/**
 * Runs the proxy.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export function startServe(options: ServeOptions, runtime: Runtime): Promise<Running> {
  return startGraph(toServeGraph(options), runtime);
}

/** The graph of `serve`: one stage. */
export function toServeGraph({ admin, adminOpen, ...options }: ServeOptions): Graph {
  const stage: ProxyStage = { ...options, name: 'serve', job: 'proxy', route: options, log: false };
  return { stages: [stage], ...(admin && { admin }), ...(adminOpen && { adminOpen }) };
}
