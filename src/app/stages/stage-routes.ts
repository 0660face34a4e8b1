import {
  type HttpAction,
  type HttpRoute,
  type HttpStage,
  type RequestsAction,
  type RouteName,
  type TunnelsAction,
} from '../../chain/model/graph.ts';
import type { Address, TcpAddress } from '../../core/address.ts';
import { pipe } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import { withProxyHeader } from '../../dial/proxy-header.ts';
import { parseAuthority, parseAuthorityOr } from '../../syntax/authority.ts';
import { createPolicy, type PolicyBase, type Rule } from '../../policy/rules.ts';
import { createFindRoute, type FindRoute } from '../../router/match.ts';
import { type ChangeExchange, createChangeExchange } from '../../router/head-changes.ts';
import { locate } from '../../router/redirect.ts';
import { type Head, rewriteHead, withHostOf } from '../../router/rewrite.ts';
import { stripPort } from '../../router/strip-port.ts';
import type { RecordEnv } from '../requests/request-record.ts';
import type { Screening } from '../requests/screen.ts';
import type { Plan, ServeEnv } from './serve-link.ts';
import type { TunnelEnv } from '../tunnel/tunnel.ts';
import type { ReadyUpstream } from './upstream.ts';

/** The parsed rules of a stage. */
export interface ParsedRules {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

type FindPlan = ServeEnv['route'];

/** Decides by the routes of a stage what is done with each request. */
export function routeRequests(
  stage: HttpStage<RouteName>,
  upstreams: ReadonlyMap<string, ReadyUpstream>,
  authorise: Authorise | undefined,
  env: RecordEnv,
  screening: Screening | undefined,
): FindPlan {
  const { hosts, ignorePort = false } = stage;
  const findRoute: FindRoute = createFindRoute(hosts, { ignorePort });
  const changers = createChangers(stage);
  const tunnels = new Map<TunnelsAction, TunnelEnv>();
  const tunnelEnvOf = (action: TunnelsAction, upstream: ReadyUpstream): TunnelEnv => {
    const known = tunnels.get(action);
    if (known) return known;
    const made = toTunnelEnv(env, action, upstream);
    tunnels.set(action, made);
    return made;
  };
  return (exchange, _tunnel, onChange): Plan => {
    if (stage.stripPort) stripPort(exchange, stage.stripPort);
    const route = findRouteOf(exchange, findRoute, () => screening?.(exchange.peer, exchange));
    const { action, match } = route;
    const { changeRequest, changeAnswer } = changers.get(route)?.(exchange) ?? {};
    if (changeAnswer) onChange(changeAnswer);
    assertTaken(exchange, action);
    screening?.(exchange.peer, exchange, route);
    if (action.kind === 'answer') {
      const { redirect } = action;
      return redirect ? { ...action, location: locate(redirect, exchange, match.path) } : action;
    }
    const upstream = findUpstream(upstreams, action.upstream);
    const { rewrite } = action;
    const terms = { path: match.path, tellsHost: !upstream.takesNames };
    // As in Envoy, fields are changed before the path and the host are.
    const timeout = action.kind === 'requests' ? action.timeoutMs : 0;
    const head = changeRequest?.({ cluster: upstream.name, timeoutMs: timeout });
    const whole = stage.stripPort ? withWholeAuthority(exchange, head) : head;
    const changed = rewrite ? rewriteHead(whole ?? exchange, rewrite, terms) : whole;
    const target = upstream.choose(changed ?? exchange);
    const rewritten = changed && (rewrite?.hostOfTarget ? withHostOf(changed, target) : changed);
    authorise?.(exchange, upstream.isChosen ? target : undefined);
    const changes = rewritten && { rewritten };
    if (action.kind === 'tunnels') {
      const { name } = upstream;
      const describe = () => ({ cluster: name, upstream: env.nearest(name, target) });
      return { kind: 'tunnel', env: tunnelEnvOf(action, upstream), target, describe, ...changes };
    }
    const { kind, timeoutMs, upgrades } = action;
    return { kind, timeoutMs, upgrades, upstream, target, ...ownLimits(action), ...changes };
  };
}

/** Gives a CONNECT back the port of its target, which the upstream is told. */
function withWholeAuthority(exchange: Exchange, head: Head | undefined): Head | undefined {
  if (exchange.method !== 'CONNECT') return head;
  exchange.authority = exchange.target;
  return head && { ...head, authority: head.target };
}

/** Finds the route of a request. One without a route is judged first: those who may not pass learn of no routes. */
function findRouteOf(exchange: Exchange, findRoute: FindRoute, judge: () => void): HttpRoute {
  try {
    return findRoute(exchange).route;
  } catch (error) {
    judge();
    throw error;
  }
}

/** Makes the changers of fields for the routes that have some. */
function createChangers(stage: HttpStage<RouteName>): ReadonlyMap<HttpRoute, ChangeExchange> {
  const entries = stage.hosts.flatMap((host) =>
    host.routes.flatMap((route) => {
      const levels = [route.changes, host.changes, stage.changes];
      const change = createChangeExchange(stage.routesChangeLast ? levels.toReversed() : levels);
      return change ? [[route, change] as const] : [];
    }),
  );
  return new Map(entries);
}

/** The limits of a stage that its route may set itself. */
type OwnLimits = Pick<RequestsAction, 'idleMs' | 'lifetimeMs'>;

function ownLimits({ idleMs, lifetimeMs }: OwnLimits): OwnLimits {
  return { ...(idleMs !== undefined && { idleMs }), ...(lifetimeMs !== undefined && { lifetimeMs }) };
}

function toTunnelEnv(
  { access, nearest, ...env }: RecordEnv,
  action: TunnelsAction,
  { name, dial, route }: ReadyUpstream,
): TunnelEnv {
  const { proxyProtocol } = action;
  return {
    ...env,
    cluster: name,
    dial: pipe(dial, ...(proxyProtocol ? [withProxyHeader(proxyProtocol, 'reached')] : [])),
    via: route.via,
    limits: { ...env.limits, ...ownLimits(action) },
    record: env.record === 'none' ? 'none' : 'dialled',
    ...(access && { access: { write: access.write, cluster: name, nearest: (place) => nearest(name, place) } }),
  };
}

function findUpstream(upstreams: ReadonlyMap<string, ReadyUpstream>, name: string): ReadyUpstream {
  const upstream = upstreams.get(name);
  if (upstream) return upstream;
  throw new TunlError('destination_unavailable', `there is no upstream ${name}`, { side: 'self', phase: 'request' });
}

/**
 * Refuses a request that the route does not accept: a route must allow protocol changes and tunnels explicitly.
 * @throws {TunlError} http_request_denied
 */
function assertTaken({ method, upgradeTo, version }: Exchange, action: HttpAction): void {
  const wanted = upgradeTo ?? (method === 'CONNECT' ? 'connect' : undefined);
  if (action.kind === 'tunnels') {
    if (method === 'CONNECT' || (action.post && method === 'POST' && version !== '1.0' && wanted === undefined)) return;
    throw denied('the route takes nothing but tunnels');
  }
  if (wanted === undefined || action.upgrades?.includes(wanted)) return;
  throw denied(wanted === 'connect' ? 'the route takes no CONNECT' : 'the route takes no change of protocol');
}

/**
 * Checks a request by the address that it chose, or by the host and port that it asks for if the route has a fixed
 * destination.
 * @throws {TunlError} http_request_denied or destination_ip_prohibited
 */
export type Authorise = (exchange: Exchange, chosen: Address | undefined) => void;

/** Makes the check for the requests of a stage with users or rules; without those, its routes alone decide. */
export function createAuthorise(rules: ParsedRules, base: PolicyBase): Authorise {
  // A client that chooses an address reaches it, so the rules of a proxy apply. Other hosts are only names for the
  // destinations of the routes.
  const [places, hosts] = [createPolicy({ ...rules, base }), createPolicy({ ...rules, base: 'not-dialled' })];
  return (exchange, chosen) => {
    if (chosen?.kind === 'tcp') places.checkText(chosen);
    else hosts.checkText(readAsked(exchange));
  };
}

/** Reads the host and port that a request asks for; the port is that of its scheme if it names none. */
function readAsked({ authority, scheme, method }: Exchange): TcpAddress {
  return method === 'CONNECT' ? parseAuthority(authority) : parseAuthorityOr(authority, scheme === 'https' ? 443 : 80);
}

function denied(message: string): TunlError {
  return new TunlError('http_request_denied', message, { side: 'client', phase: 'policy' });
}
