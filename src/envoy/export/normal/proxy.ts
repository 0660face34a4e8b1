import type {
  HttpAction,
  HttpRoute,
  HttpStage,
  ProxyStage,
  TargetChoice,
  Upstream,
} from '../../../chain/model/graph.ts';
import { termsOf } from '../../schema/hop-terms.ts';

/** Turns a proxy into an equivalent HTTP stage. */
export function toHttpStage(stage: ProxyStage): HttpStage {
  const { name, listen, tls, route, log, accessLogs, accept, acceptProxyProtocol } = stage;
  const upstream = toUpstream(stage);
  const action = toAction(stage, name);
  const connect: HttpRoute = { match: { path: { kind: 'connect' }, fields: [] }, action };
  const post = accept.includes('post') && action.kind === 'tunnels' ? [toPostRoute(action)] : [];
  return {
    name,
    job: 'http',
    listen,
    ...(acceptProxyProtocol && { acceptProxyProtocol }),
    ...(tls && { tls }),
    route: { hops: [], limits: route.limits },
    log,
    ...(accessLogs && { accessLogs }),
    codec: 'auto',
    hosts: [{ name: 'all', domains: ['*'], routes: [connect, ...post] }],
    upstreams: [upstream],
  };
}

function toAction({ to, route, proxyProtocol }: ProxyStage, upstream: string): HttpAction {
  // Only the request names the target, so it is forwarded to the next proxy.
  if (!to && route.hops.length > 0) return { kind: 'requests', upstream, timeoutMs: 0, upgrades: ['connect'] };
  return { kind: 'tunnels', upstream, post: false, ...(proxyProtocol && { proxyProtocol }) };
}

function toPostRoute(action: HttpAction & { readonly kind: 'tunnels' }): HttpRoute {
  const method = { name: ':method', value: { kind: 'exact', value: 'POST' } } as const;
  return { match: { path: { kind: 'prefix', value: '/' }, fields: [method] }, action: { ...action, post: true } };
}

/** Makes the upstream of a proxy; without fixed targets and hops it leads wherever requests ask. */
function toUpstream({ name, to, route }: ProxyStage): Upstream {
  const { hops, entry } = route;
  if (to) return { name, to, route, version: 'http1' };
  const last = hops.at(-1);
  const [hop] = last ?? [];
  if (!last || !hop) {
    const asked = { field: ':authority', names: true } as const;
    return { name, to: entry ? { targets: [entry], balance: 'first' } : asked, route, version: 'http1' };
  }
  const places: TargetChoice = { targets: last.map(({ address }) => address), balance: route.hopBalance ?? 'first' };
  const { versions, isSecured } = termsOf(hop);
  return {
    name,
    to: places,
    route: { ...route, hops: hops.slice(0, -1) },
    version: versions[0] === 'http1' ? 'http1' : 'http2',
    ...(isSecured && { tls: { ...(hop.address.kind === 'tcp' && { servername: hop.address.host }), ...hop.tls } }),
  };
}
