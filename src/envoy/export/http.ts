import type { HttpAction, HttpRoute, HttpStage, RequestMatch, Upstream, VirtualHost } from '../../chain/model/graph.ts';
import type { FieldMatch, TextMatch } from '../../chain/model/http.ts';
import { type ClusterPlan, toCluster } from './cluster.ts';
import type { StageTrees } from './forward.ts';
import { toAccessLogs, toListener } from './listener.ts';
import { formatSeconds, type Tree, typed } from './terms.ts';
import { toClusterSocket } from './tls.ts';

/** Makes the listener and clusters of an HTTP stage. */
export function toHttpTrees(stage: HttpStage): StageTrees {
  const routes = { virtual_hosts: stage.hosts.map(toVirtualHost), ...toBodyLimit(stage) };
  return {
    listener: toHttpListener(stage, stage.codec, routes),
    clusters: stage.upstreams.map((upstream) => toCluster(toPlan(upstream))),
  };
}

const codecs = { auto: 'AUTO', http1: 'HTTP1', http2: 'HTTP2' } as const;
const alpn = { auto: ['h2', 'http/1.1'], http1: ['http/1.1'], http2: ['h2'] } as const;

/** Makes a listener that routes requests by virtual hosts. */
export function toHttpListener(
  stage: HttpListenerStage,
  codec: HttpStage['codec'],
  routes: Tree,
  filters: readonly Tree[] = [],
): Tree {
  const { idleMs, lifetimeMs } = stage.route.limits;
  const manager = typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: stage.name,
    codec_type: codecs[codec],
    stream_idle_timeout: formatSeconds(idleMs),
    ...(lifetimeMs !== undefined && {
      common_http_protocol_options: { max_stream_duration: formatSeconds(lifetimeMs) },
    }),
    // This allows extended CONNECT. Plain CONNECT needs no permission.
    ...(codec !== 'http1' && { http2_protocol_options: { allow_connect: true } }),
    route_config: { name: stage.name, ...routes },
    http_filters: [
      ...filters,
      { name: 'envoy.filters.http.router', typed_config: typed('filters.http.router.v3.Router') },
    ],
    ...toAccessLogs(stage.accessLogs),
  });
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return toListener(stage, filter, alpn[codec]);
}

/** Envoy's default limit for the body of a direct response, in bytes. */
const usualBodyBytes = 4096;

function toBodyLimit({ hosts }: HttpStage): Tree {
  const actions = hosts.flatMap(({ routes }) => routes.map(({ action }) => action));
  const sizes = actions.map((action) => (action.kind === 'answer' ? Buffer.byteLength(action.body ?? '') : 0));
  const most = Math.max(0, ...sizes);
  return most > usualBodyBytes ? { max_direct_response_body_size_bytes: most } : {};
}

/** The stage of a listener that routes requests. */
type HttpListenerStage = Parameters<typeof toListener>[0];

function toVirtualHost({ name, domains, routes }: VirtualHost): Tree {
  return { name, domains, routes: routes.map(toRoute) };
}

function toRoute({ match, action }: HttpRoute): Tree {
  return { match: toMatch(match), ...toAction(action) };
}

function toMatch({ path, fields }: RequestMatch): Tree {
  return {
    ...(path.kind === 'connect'
      ? { connect_matcher: {} }
      : { [path.kind === 'prefix' ? 'prefix' : 'path']: path.value }),
    ...(fields.length > 0 && { headers: fields.map(toFieldMatch) }),
  };
}

function toFieldMatch({ name, value, invert }: FieldMatch): Tree {
  return {
    name,
    ...(value ? { string_match: toTextMatch(value) } : { present_match: true }),
    ...(invert && { invert_match: true }),
  };
}

function toTextMatch({ kind, value }: TextMatch): Tree {
  return { [kind]: value };
}

function toAction(action: HttpAction): Tree {
  switch (action.kind) {
    case 'answer': {
      const { status, body } = action;
      return { direct_response: { status, ...(body !== undefined && { body: { inline_string: body } }) } };
    }
    case 'requests': {
      const { upstream, timeoutMs, idleMs, upgrades } = action;
      return {
        route: {
          cluster: upstream,
          timeout: formatSeconds(timeoutMs),
          ...(idleMs !== undefined && { idle_timeout: formatSeconds(idleMs) }),
          ...(upgrades.length > 0 && { upgrade_configs: upgrades.map(toUpgrade) }),
        },
      };
    }
    case 'tunnels':
      return toTunnelRoute(action);
  }
}

function toUpgrade(name: string): Tree {
  return { upgrade_type: name === 'connect' ? 'CONNECT' : name };
}

/** Makes a route that terminates tunnels and relays their bytes to a cluster. */
export function toTunnelRoute({
  upstream,
  post,
  idleMs,
  proxyProtocol,
}: HttpAction & { readonly kind: 'tunnels' }): Tree {
  const config = {
    ...(post && { allow_post: true }),
    ...(proxyProtocol && { proxy_protocol_config: { version: proxyProtocol.toUpperCase() } }),
  };
  return {
    route: {
      cluster: upstream,
      // Any other timeout would end even a busy tunnel.
      timeout: '0s',
      ...(idleMs !== undefined && { idle_timeout: formatSeconds(idleMs) }),
      upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: config }],
    },
  };
}

function toPlan({ name, to, route, version, tls }: Upstream): ClusterPlan {
  const { limits, family } = route;
  const places = 'field' in to ? to : to.targets.map((address) => ({ address }));
  const host = 'field' in to ? undefined : to.targets.find(({ kind }) => kind === 'tcp');
  return {
    name,
    to: places,
    ...(!('field' in to) && { balance: to.balance }),
    connectMs: limits.connectMs,
    ...(family && { family }),
    protocol: version,
    ...(tls && { socket: toClusterSocket({ settings: tls, host: host?.kind === 'tcp' ? host.host : '' }) }),
  };
}
