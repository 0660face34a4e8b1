import type { ForwardStage, Graph, HopChoice, RouteName, RouteOptions, Target } from '../../chain/model/graph.ts';
import type { InternalAddress, ListenAddress } from '../../core/address.ts';
import { findFaults } from '../../chain/check/validate.ts';
import { usageError } from '../../core/errors.ts';

/** An element between the listener and the target on the command line. */
type LinearNode =
  | { readonly kind: 'hop'; readonly choice: HopChoice }
  | { readonly kind: 'internal'; readonly address: InternalAddress };

/** A chain in one line: `LISTEN NODE... TARGET`. */
export interface LinearOptions extends Omit<RouteOptions, 'hops' | 'entry'> {
  readonly listen: ListenAddress;
  readonly nodes: readonly LinearNode[];
  readonly target: Target;
}

/**
 * Makes the graph of a chain in one line: `internal://x` between nodes ends one stage and starts stage x.
 * @throws {TunlError} usage
 */
export function toLinearGraph({ listen, nodes, target, ...options }: LinearOptions): Graph {
  const names = nodes.flatMap((node) => (node.kind === 'internal' ? [node.address.name] : []));
  const first = ['ingress', 'start', 'listen'].find((name) => !names.includes(name)) ?? 'ingress-1';
  const stages: ForwardStage<RouteName>[] = [];
  const routes = new Map<RouteName, RouteOptions>();
  let open: { name: string; listen: ForwardStage['listen']; hops: HopChoice[] } = {
    name: first,
    listen: [listen],
    hops: [],
  };
  const close = (to: Target) => {
    const { hops, ...place } = open;
    const { name } = place;
    routes.set(name, { ...options, hops });
    stages.push({ ...place, job: 'forward', to: { targets: [to], balance: 'first' }, route: name, log: false });
  };
  for (const node of nodes) {
    if (node.kind === 'hop') {
      open.hops.push(node.choice);
      continue;
    }
    close(node.address);
    open = { name: node.address.name, listen: [node.address], hops: [] };
  }
  close(target);
  const graph = { routes, stages };
  const [fault] = findFaults(graph);
  if (fault) throw usageError(fault.message, ...(fault.hint === undefined ? [] : [fault.hint]));
  return graph;
}
