import type { ProxyStage } from '../chain/model.ts';
import { startGraph } from './graph.ts';
import type { Running, Runtime, ServeOptions } from './options.ts';

/**
 * Runs the proxy.
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export function startServe(options: ServeOptions, runtime: Runtime): Promise<Running> {
  return startGraph({ stages: [toProxyStage(options)] }, runtime);
}

/** The one stage of `serve`. */
export function toProxyStage(options: ServeOptions): ProxyStage {
  return { ...options, name: 'serve', job: 'proxy', route: options, log: false };
}
