import { isLoopback } from '../../core/ip.ts';
import type { HttpAction, HttpRoute, HttpStage, ProxyStage } from '../../chain/model/graph.ts';
import { formatAddress, type InternalAddress, type ListenAddress } from '../../core/address.ts';
import { dynamicFilterType } from '../schema/dynamic-forward-proxy.ts';
import { plainSwitch } from '../../syntax/stage-settings.ts';
import type { HttpConnectionManagerMessage } from '../schema/http-connection-manager.ts';
import { readHttpManager } from './http.ts';
import type { FilterContext } from './tcp-proxy.ts';

/** The parts of a stage that come from a filter, not from its listener. */
export type FilterStage<S> = Omit<S, 'name' | 'listen' | 'tls'>;

/** Reads an HttpConnectionManager as an HTTP stage, or as a proxy if it is a dynamic forward proxy. */
export function readManager(
  words: HttpConnectionManagerMessage,
  listen: ListenAddress | InternalAddress,
  context: FilterContext,
): FilterStage<HttpStage> | FilterStage<ProxyStage> {
  const { http_filters: [first, ...filters] = [] } = words;
  const isDynamic = first?.typed_config?.['@type'] === dynamicFilterType;
  const findCluster: FilterContext['findCluster'] = (name, path) => {
    const cluster = context.findCluster(name, path);
    if (cluster?.peer !== undefined) {
      context.reading.add(path, `${name} has a SPIFFE id, and that is for tunnels of a TcpProxy here`);
    }
    if (!cluster || (cluster.words.cluster_type !== undefined) === isDynamic) return cluster;
    const [what, hint] = isDynamic
      ? [
          `${name} has places of its own`,
          'behind the filter dynamic_forward_proxy tunl goes where tunnels ask, and nowhere else',
        ]
      : [`${name} goes where requests ask`, 'put the filter dynamic_forward_proxy before the router'];
    context.reading.add(path, what, hint);
    return undefined;
  };
  const own = isDynamic ? { ...words, http_filters: filters } : words;
  const stage = readHttpManager(own, listen, { ...context, findCluster });
  if (!stage.upstreams.some(({ to }) => 'field' in to)) return stage;
  if (!isLoopback(listen)) {
    const message = `everybody who reaches ${formatAddress(listen)} chooses where tunnels and requests go, as in Envoy`;
    context.reading.notice('warning', context.path, message);
  }
  return isDynamic ? toProxy(stage, context) : { ...stage, open: true };
}

/** Turns an HTTP stage into a proxy. Refuses routes that do more than terminate tunnels and forward plain requests. */
function toProxy(stage: FilterStage<HttpStage>, { path, reading }: FilterContext): FilterStage<ProxyStage> {
  const [host, ...others] = stage.hosts;
  const [connect, ...further] = host?.routes ?? [];
  const [upstream] = stage.upstreams;
  const rest = further.at(-1);
  const takesPlain = rest !== undefined && isRest(rest) && stage.upstreams.length === 1;
  const posts = takesPlain ? further.slice(0, -1) : further;
  const isUsual =
    others.length === 0 && host?.domains.includes('*') === true && stage.codec === 'auto' && !upstream?.tls;
  const isKnown = connect !== undefined && isConnect(connect) && posts.length < 2 && posts.every(isPost);
  const action = connect?.action.kind === 'tunnels' ? connect.action : undefined;
  if (!isUsual || !isKnown || !action || !posts.every((route) => isAlike(route.action, action))) {
    reading.add(
      [...path, 'route_config'],
      'with the filter dynamic_forward_proxy tunl is a proxy for tunnels and plain requests, and no more',
      'leave a route with connect_matcher, and if need be one for POST with allow_post and one for prefix /, all for every host',
    );
  }
  if (takesPlain) {
    const message =
      'only requests in absolute form are forwarded, not by their Host as in Envoy, and without the timeout of the route';
    reading.notice('warning', [...path, 'route_config'], message);
  }
  const { limits, family } = upstream?.route ?? stage.route;
  const { idleMs, lifetimeMs = 0 } = stage.route.limits;
  return {
    job: 'proxy',
    accept: [...(posts.length > 0 ? ['post'] : []), ...(takesPlain ? [plainSwitch.name] : [])],
    users: {},
    allow: [],
    deny: [],
    // Envoy has no access control here.
    open: true,
    ...(action?.proxyProtocol && { proxyProtocol: action.proxyProtocol }),
    statuses: 'envoy',
    route: {
      hops: [],
      limits: { ...limits, idleMs: action?.idleMs ?? idleMs, ...(lifetimeMs > 0 && { lifetimeMs }) },
      ...(family && { family }),
    },
    log: false,
    ...(stage.accessLogs && { accessLogs: stage.accessLogs }),
  };
}

function isConnect({ match }: HttpRoute): boolean {
  return match.path.kind === 'connect' && match.fields.length === 0;
}

function isPost({ match: { path, fields } }: HttpRoute): boolean {
  const [field, ...others] = fields;
  const isMethod = field?.name === ':method' && field.value?.kind === 'exact' && field.value.value === 'POST';
  return path.kind === 'prefix' && path.value === '/' && isMethod && others.length === 0;
}

/** True for a route that forwards every request which no route before it has taken. */
function isRest({ match: { path, fields }, action }: HttpRoute): boolean {
  return path.kind === 'prefix' && path.value === '/' && fields.length === 0 && action.kind === 'requests';
}

/** True if the action accepts POST tunnels with the same settings as the other action. */
function isAlike(action: HttpAction, other: HttpAction & { readonly kind: 'tunnels' }): boolean {
  const describe = ({ upstream, idleMs, proxyProtocol }: typeof other) => [upstream, idleMs, proxyProtocol].join(' ');
  return action.kind === 'tunnels' && action.post && describe(action) === describe(other);
}
