import type { ProxyStage, RouteName } from '../../chain/model/graph.ts';
import { type Address, formatAddress, type TcpAddress } from '../../core/address.ts';
import { type Dial, type Layer, pipe } from '../../core/dialer.ts';
import { placesOf } from '../../core/listener.ts';
import { withProxyHeader } from '../../dial/proxy-header.ts';
import { guard, guardText } from '../../policy/guard.ts';
import { covers, createPolicy, parseRule, type Policy, type PolicyBase, type Rule } from '../../policy/rules.ts';
import { nearestPlace } from '../tunnel/access-log.ts';
import type { TunnelEnv } from '../tunnel/tunnel.ts';
import { openPlainRequests } from '../requests/plain.ts';
import type { RecordEnv } from '../requests/request-record.ts';
import { dialTargets, hasFixedHops, withDialledPath } from './dialled-path.ts';
import type { Route } from './route.ts';
import { sourceFor } from './routes.ts';
import type { ServeEnv } from './serve-link.ts';
import type { StageParts } from './stage.ts';
import type { ParsedRules } from './stage-routes.ts';

/** The route to the targets of clients that a rule covers. */
export interface ReadyWay {
  readonly covers: Rule;
  readonly route: Route;
  /** The rule as a phrase. */
  readonly rule: string;
}

/** The routes of a proxy: that to most targets, and those to some. */
export interface ProxyRoutes {
  readonly route: Route;
  readonly ways: readonly ReadyWay[];
}

/** Makes the routes to some of the targets of a proxy. @throws {TunlError} usage */
export function createWays(
  stage: ProxyStage<RouteName>,
  { routes }: Pick<StageParts, 'routes'>,
): Promise<readonly ReadyWay[]> {
  const { ways = [], name } = stage;
  return Promise.all(
    ways.map(async ({ pattern, route, rule }) => ({
      covers: parseRule(pattern),
      route: await routes.get(name, route, sourceFor(stage)),
      rule,
    })),
  );
}

/**
 * Routes every tunnel and every plain request of a proxy to the target that the client asks for, by the first way that
 * covers it, or to the fixed targets of the stage.
 */
export function routeProxy(
  stage: ProxyStage<RouteName>,
  { route, ways }: ProxyRoutes,
  rules: ParsedRules,
  base: PolicyBase,
  { listeners, routes }: Pick<StageParts, 'listeners' | 'routes'>,
  { access, nearest: _ofUpstreams, ...common }: RecordEnv,
  pseudonym: string,
): Pick<ServeEnv, 'route' | 'tunnel' | 'openPlain'> {
  const ownAddresses = () => listeners().flatMap(placesOf);
  const policy = createPolicy({ ...rules, base: stage.to ? 'not-dialled' : base, ownAddresses });
  const usual = createLeg(stage, route, policy, ways.length > 0);
  const legs = ways.map((way) => ({ ...way, ...createLeg(stage, way.route, policy, true) }));
  const findWay = (target: Address) =>
    target.kind === 'tcp' ? legs.find((leg) => covers(leg.covers, target)) : undefined;
  const legTo = (target: Address): Leg => findWay(target) ?? usual;
  const dialLeg: Dial = (target, ctx) => {
    const way = findWay(target);
    if (way) ctx.onNotice?.('verbose', `${formatAddress(target)}: ${way.rule}`);
    return (way ?? usual).dial(target, ctx);
  };
  const nearest = (target: Address) => nearestPlace(legTo(target).route.options, stage.to?.targets[0] ?? target);
  const env: TunnelEnv = {
    ...common,
    dial: legs.length > 0 ? dialLeg : usual.dial,
    via: route.via,
    ...(access && { access: { write: access.write, cluster: stage.name, nearest } }),
  };
  // A connection on which each request is told of, or seen by another stage, serves for one.
  const isSeen =
    [usual, ...legs].some((leg) => leg.route.options.hops.flat().some(({ formats }) => formats)) ||
    [stage, ...(stage.ways ?? [])].some((user) => routes.isOriginSeen(user));
  return {
    tunnel: env,
    route: (_exchange, tunnel) => {
      if (!tunnel) throw new Error('a proxy takes nothing but tunnels');
      return { kind: 'tunnel', env, target: tunnel.target };
    },
    openPlain: () =>
      openPlainRequests({
        name: stage.name,
        via: route.via,
        dial: env.dial,
        // The request names its own target to a proxy, and no PROXY header may come before it there.
        asksProxies: !stage.to && !stage.proxyProtocol,
        judge: (target) => legTo(target).judge(target),
        sessions: isSeen ? 'per-request' : 'shared',
        pseudonym,
      }),
  };
}

/** One of the routes of a proxy, behind its rules for targets. */
interface Leg {
  readonly route: Route;
  readonly dial: Dial;
  readonly judge: (target: TcpAddress) => void;
}

/** @param isChosen true if the route is one of several, so that the path of each tunnel must be reported */
function createLeg(stage: ProxyStage<RouteName>, route: Route, policy: Policy, isChosen: boolean): Leg {
  // Names that others resolve, or that are not dialled at all, are checked as text.
  const { hops, entry } = route.options;
  const isNameOurs = hops.length === 0 && !entry && !stage.to;
  const resolve = stage.to ? undefined : route.resolve;
  const check: Layer = isNameOurs ? guard(policy, route.resolve) : guardText(policy, resolve);
  // Without a stage on the way, and without a choice, the path is that of the route and need not be reported.
  const isKnown = !isChosen && !entry && hasFixedHops(route);
  const dial = stage.to ? dialTargets(route, stage.to) : isKnown ? route.dial : withDialledPath(route);
  // It belongs inside the check, because it must see the addresses that the check found.
  const announce = stage.proxyProtocol ? [withProxyHeader(stage.proxyProtocol)] : [];
  return {
    route,
    dial: pipe(dial, ...announce, check),
    judge: (target) => (isNameOurs ? policy.checkName(target) : policy.checkText(target)),
  };
}
