import {
  mapRoutes,
  type Stage,
  type ForwardStage,
  type Graph,
  type PlainGraph,
  type ProxyStage,
  type RouteOptions,
  type Target,
} from '../../../src/chain/model/graph.ts';
import type { InternalAddress } from '../../../src/core/address.ts';
import { calmLimits } from '../harness/app.ts';

/** A stage as a test writes it: its listeners, its target, and the settings that matter to the test. */
export type StageOptions<S extends Stage> = Partial<Omit<S, 'job' | 'name' | 'listen' | 'to' | 'route'>> & {
  /** Default: a free port of loopback. */
  readonly listen?: S['listen'] | 'internal';
  readonly to?: Target | readonly Target[];
  readonly balance?: 'first' | 'round-robin';
  readonly route?: Partial<S['route']>;
};

/** A free port of loopback. */
export const freePort = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

/** The address of an internal listener. */
export function internal(name: string): InternalAddress {
  return { kind: 'internal', name };
}

/** Makes the graph of stages that contain their routes. Routes that are the same object become one named route. */
export function toGraph({ stages, ...rest }: PlainGraph): Graph {
  const routes = new Map<string, RouteOptions>();
  const name = (wanted: string, route: RouteOptions): string => {
    const known = [...routes].find(([, other]) => other === route)?.[0] ?? wanted;
    routes.set(known, route);
    return known;
  };
  const named = stages.map((stage) => {
    const route = name(stage.name, stage.route);
    if (stage.job === 'forward') return { ...stage, route };
    if (stage.job === 'proxy') return mapRoutes(stage, (own) => name(stage.name, own));
    const upstreams = stage.upstreams.map((each) => ({
      ...each,
      route: name(`${stage.name} ${each.name}`, each.route),
    }));
    return { ...stage, route, upstreams };
  });
  return { ...rest, routes, stages: named };
}

/** Makes a stage that forwards; an internal listener has the name of its stage. */
export function forwardStage(
  name: string,
  to: Target | readonly Target[],
  options: StageOptions<ForwardStage> = {},
): ForwardStage {
  const { balance, ...common } = commonParts(name, { ...options, to });
  return { log: false, ...common, job: 'forward', to: { targets: toList(to), balance } };
}

/** Makes a stage that is a proxy, open to everyone. */
export function proxyStage(name: string, options: StageOptions<ProxyStage> = {}): ProxyStage {
  const { to, balance: _balance, ...rest } = options;
  const { balance, ...common } = commonParts(name, { ...rest });
  return {
    users: {},
    accept: [],
    allow: [],
    deny: [],
    open: false,
    log: false,
    ...common,
    job: 'proxy',
    ...(to && { to: { targets: toList(to), balance } }),
  };
}

function commonParts<S extends Stage>(name: string, options: StageOptions<S>) {
  const { listen = [freePort], to: _to, route, balance = 'first', ...rest } = options;
  return {
    ...rest,
    name,
    listen: listen === 'internal' ? [internal(name)] : listen,
    route: { hops: [], limits: calmLimits, ...route },
    balance,
  };
}

function toList(to: Target | readonly Target[]): readonly Target[] {
  return Array.isArray(to) ? (to as readonly Target[]) : [to as Target];
}
