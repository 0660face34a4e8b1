import type { ForwardStage, Graph, HopChoice, ProxyStage, RouteName, RouteOptions } from '../../chain/model/graph.ts';
import { startGraph } from '../graph/graph.ts';
import { recallHops } from '../recall.ts';
import type { Running, Runtime } from '../runtime.ts';
import type { ForwardOptions, FrontAccess } from './options.ts';
import { createReload } from './reloading.ts';

/**
 * Opens the listeners of all specs and forwards each to its target. With `load`, a reload goes on with the options that
 * `load` returns: listeners that both have stay open, and so do tunnels; if that fails, nothing changes.
 * @throws {TunlError} usage or address_in_use, and with `check` the failure of a target that is not reached; no
 * listener is left open then
 */
export async function startForward(
  options: ForwardOptions,
  runtime: Runtime,
  load?: () => Promise<ForwardOptions>,
): Promise<Running> {
  const graph = await recallGraph(options, runtime);
  const running = await startGraph(graph, runtime, { check: options.check ?? false });
  if (!load) return running;
  const read = async (replace: (next: Graph) => Promise<void>) => replace(await recallGraph(await load(), runtime));
  return { ...running, reload: createReload(running, read, 'the forwards run on as they were') };
}

/** Makes the graph of `forward` with what earlier runs have learned of the hops. */
async function recallGraph(options: ForwardOptions, runtime: Runtime): Promise<Graph> {
  const ways = listWays(options);
  const memory = await recallHops(ways.flat(), options.cacheEnv, runtime);
  const recalled = memory && [...memory.hops];
  const known = recalled ? ways.map(({ length }) => recalled.splice(0, length)) : ways;
  const replace = (way: readonly HopChoice[]) => known[ways.indexOf(way)] ?? way;
  const { hops, ways: own, matches } = options;
  return toForwardGraph({
    ...options,
    hops: replace(hops),
    ...(own && { ways: own.map(replace) }),
    ...(matches && { matches: matches.map((match) => ({ ...match, hops: replace(match.hops) })) }),
  });
}

/** Lists the different ways of all SPECs, those to some targets of clients last. */
function listWays({ specs, ways, hops, matches = [] }: ForwardOptions): (readonly HopChoice[])[] {
  return [...new Set([...(ways ?? specs.map(() => hops)), ...matches.map((match) => match.hops)])];
}

/** The access to fronts without users and rules: all of this machine may use them. */
const openAccess: FrontAccess = { users: {}, allow: [], deny: [] };

/** Makes the graph of `forward`: one stage for each spec. Those with the same way share one route. */
export function toForwardGraph(options: ForwardOptions): Graph {
  const { specs, hops, ways, matches = [], access = openAccess } = options;
  const different = listWays(options);
  const others = different.filter((each) => each.length > 0);
  const nameRoute = (way: readonly HopChoice[]): RouteName => {
    const at = others.indexOf(way);
    return way.length === 0 ? 'direct' : at > 0 ? `hops-${at + 1}` : 'hops';
  };
  const stages = specs.map((spec, index): ForwardStage<RouteName> | ProxyStage<RouteName> => {
    const shared = { name: `forward-${index + 1}`, listen: [spec.listen], log: false };
    const route = nameRoute(ways?.[index] ?? hops);
    if ('front' in spec) {
      const front = { ...shared, ...access, job: 'proxy', front: spec.front, accept: [], route } as const;
      if (spec.hasOwnWay || matches.length === 0) return front;
      return {
        ...front,
        ways: matches.map(({ pattern, rule, hops: way }) => ({ pattern, rule, route: nameRoute(way) })),
      };
    }
    return { ...shared, job: 'forward', to: { targets: [spec.target], balance: 'first' }, route };
  });
  const routes = new Map<RouteName, RouteOptions>(different.map((way) => [nameRoute(way), { ...options, hops: way }]));
  return { routes, stages };
}
