import type { ForwardStage, RouteOptions } from '../chain/model.ts';
import { startGraph } from './graph.ts';
import type { ForwardOptions, Running, Runtime } from './options.ts';

/**
 * Opens the listeners of all specs, each leading to its target.
 * @throws {TunlError} usage or address_in_use, with `check` also why a target is not reached; then no listener is left open
 */
export function startForward(options: ForwardOptions, runtime: Runtime): Promise<Running> {
  const { check = false } = options;
  return startGraph({ stages: toForwardStages(options) }, runtime, { check });
}

/** The stages of `forward`: one for each spec. */
export function toForwardStages(options: ForwardOptions): ForwardStage[] {
  const { specs, direct } = options;
  const bypass: RouteOptions = { ...options, hops: [] };
  return specs.map(({ listen, target }, index) => ({
    name: `forward-${index + 1}`,
    job: 'forward',
    listen: [listen],
    to: { targets: [target], balance: 'first' },
    route: direct?.has(target) ? bypass : options,
    log: false,
  }));
}
