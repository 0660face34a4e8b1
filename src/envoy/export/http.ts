import type {
  HttpAction,
  HttpRoute,
  HttpStage,
  Redirect,
  RequestMatch,
  RequestsAction,
  Rewrite,
  TunnelsAction,
  Upstream,
  VirtualHost,
} from '../../chain/model/graph.ts';
import { listAnswered, takesNames } from '../../chain/model/http.ts';
import { type ClusterPlan, toCluster, toNameCache } from './cluster.ts';
import { toStateFilters } from './filter-state.ts';
import { toFieldMatch } from './field-match.ts';
import { toHeaderChanges } from './header-changes.ts';
import type { StageTrees } from './forward.ts';
import { countScreens, toRequestFilters, toRouteScreens } from './rbac.ts';
import { httpLogs, toAccessLogs } from './access-log.ts';
import { toListener } from './listener.ts';
import { toBodyFormat, toLocalReply } from './local-reply.ts';
import { formatSeconds, type Tree, typed } from './terms.ts';
import { toDialPlan } from './cluster.ts';
import { toClusterSocket } from './tls.ts';

/** Makes the listener and clusters of an HTTP stage. */
export function toHttpTrees(stage: HttpStage): StageTrees {
  const dynamic = new Set(stage.upstreams.filter(takesNames).map(({ name }) => name));
  const terms = { dynamic, stage, screens: countScreens(stage), taken: listTaken(stage) };
  const routes = {
    ...(stage.ignorePort && { ignore_port_in_host_matching: true }),
    ...toHeaderChanges(stage.changes),
    ...(stage.routesChangeLast && { most_specific_header_mutations_wins: true }),
    virtual_hosts: stage.hosts.map((host) => toVirtualHost(host, terms)),
    ...toBodyLimit(stage),
  };
  return {
    listener: toHttpListener(stage, routes),
    clusters: stage.upstreams.map((upstream) => toCluster(toPlan(upstream))),
  };
}

const codecs = { auto: 'AUTO', http1: 'HTTP1', http2: 'HTTP2' } as const;
const alpn = { auto: ['h2', 'http/1.1'], http1: ['http/1.1'], http2: ['h2'] } as const;

/** Makes the filter that looks up the targets of requests, if an upstream of the stage takes names. */
function toNameFilters({ upstreams }: HttpStage): Tree[] {
  const upstream = upstreams.find(takesNames);
  if (!upstream) return [];
  const cache = toNameCache(upstream.route.family);
  return [{ name: nameFilter, typed_config: typed('filters.http.dynamic_forward_proxy.v3.FilterConfig', cache) }];
}

const nameFilter = 'envoy.filters.http.dynamic_forward_proxy';

function toHttpListener(stage: HttpStage, routes: Tree): Tree {
  const { codec, stripPort } = stage;
  const taken = listTaken(stage);
  const { idleMs, lifetimeMs } = stage.route.limits;
  const manager = typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: stage.name,
    codec_type: codecs[codec],
    stream_idle_timeout: formatSeconds(idleMs),
    ...(stripPort && { [stripPort === 'any' ? 'strip_any_host_port' : 'strip_matching_host_port']: true }),
    ...(lifetimeMs !== undefined && {
      common_http_protocol_options: { max_stream_duration: formatSeconds(lifetimeMs) },
    }),
    // This allows extended CONNECT. Plain CONNECT needs no permission.
    ...(codec !== 'http1' && { http2_protocol_options: { allow_connect: true } }),
    route_config: { name: stage.name, ...routes },
    http_filters: [
      ...toRequestFilters(stage),
      ...toStateFilters(stage.state, 'http'),
      ...toNameFilters(stage),
      { name: 'envoy.filters.http.router', typed_config: typed('filters.http.router.v3.Router') },
    ],
    ...toAccessLogs(stage.accessLogs, httpLogs),
    ...toLocalReply(stage.answers),
    ...(taken.length > 0 && { upgrade_configs: taken.map(toUpgrade) }),
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

/** Lists the changes of protocol that routes answer: Envoy takes these from the filter, and not from such a route. */
function listTaken({ hosts }: HttpStage): readonly string[] {
  return listAnswered(hosts.flatMap(({ routes }) => routes));
}

/** The names of upstreams that lead where requests ask, by name. */
type Dynamic = ReadonlySet<string>;

/** What routes have to do with the filters of their stage. */
interface FilterTerms {
  readonly dynamic: Dynamic;
  /** How many filters let requests pass. */
  readonly screens: number;
  readonly stage: HttpStage;
  /** The changes of protocol that all routes take unless they say otherwise. */
  readonly taken: readonly string[];
}

function toVirtualHost({ name, domains, routes, changes }: VirtualHost, terms: FilterTerms): Tree {
  return { name, domains, ...toHeaderChanges(changes), routes: routes.map((route) => toRoute(route, terms)) };
}

function toRoute(route: HttpRoute, { dynamic, screens, stage, taken }: FilterTerms): Tree {
  const { match, action, changes } = route;
  const settings = { ...toRouteScreens(route, screens, stage), ...toPerFilter(action, dynamic) };
  return {
    match: toMatch(match),
    ...toHeaderChanges(changes),
    ...toAction(action, dynamic, taken),
    ...(Object.keys(settings).length > 0 && { typed_per_filter_config: settings }),
  };
}

/** Makes the settings of a route for the filter that looks up the targets of requests. */
function toPerFilter(action: HttpAction, dynamic: Dynamic): Tree {
  if (action.kind === 'answer' || !action.rewrite || !dynamic.has(action.upstream)) return {};
  const settings = toNewHost(action.rewrite);
  if (Object.keys(settings).length === 0) return {};
  return { [nameFilter]: typed('filters.http.dynamic_forward_proxy.v3.PerRouteConfig', settings) };
}

function toMatch({ path, fields }: RequestMatch): Tree {
  return {
    ...(path.kind === 'connect'
      ? { connect_matcher: {} }
      : path.kind === 'regex'
        ? { safe_regex: { regex: path.value } }
        : { [path.kind === 'prefix' ? 'prefix' : 'path']: path.value }),
    ...(fields.length > 0 && { headers: fields.map(toFieldMatch) }),
  };
}

function toAction(action: HttpAction, dynamic: Dynamic, taken: readonly string[]): Tree {
  switch (action.kind) {
    case 'answer': {
      const { status, body, redirect, form } = action;
      if (redirect) return { redirect: toRedirect(status, redirect) };
      const text = body !== undefined && { body: { inline_string: body } };
      return { direct_response: { status, ...text, ...(form && { body_format: toBodyFormat(form) }) } };
    }
    case 'requests': {
      const { upstream, timeoutMs, upgrades } = action;
      const refused = taken.filter((name) => !upgrades.includes(name));
      const configs = [...upgrades.map(toUpgrade), ...refused.map((name) => ({ ...toUpgrade(name), enabled: false }))];
      return {
        route: {
          cluster: upstream,
          timeout: formatSeconds(timeoutMs),
          ...toLimits(action),
          ...(configs.length > 0 && { upgrade_configs: configs }),
          ...toRewrite(action, dynamic),
        },
      };
    }
    case 'tunnels':
      return toTunnelRoute(action, dynamic);
  }
}

const redirectCodes = new Map([
  [302, 'FOUND'],
  [303, 'SEE_OTHER'],
  [307, 'TEMPORARY_REDIRECT'],
  [308, 'PERMANENT_REDIRECT'],
]);

function toRedirect(status: number, { scheme, host, port, path, prefix, dropsQuery }: Redirect): Tree {
  const code = redirectCodes.get(status);
  return {
    ...(scheme !== undefined && { scheme_redirect: scheme }),
    ...(host !== undefined && { host_redirect: host }),
    ...(port !== undefined && { port_redirect: port }),
    ...(path !== undefined && { path_redirect: path }),
    ...(prefix !== undefined && { prefix_rewrite: prefix }),
    ...(dropsQuery && { strip_query: true }),
    ...(code !== undefined && { response_code: code }),
  };
}

/** Makes the changes of a route, but for the host that the filter for names changes. */
function toRewrite({ rewrite = {}, upstream }: RequestsAction | TunnelsAction, dynamic: Dynamic): Tree {
  const { hostOfTarget, prefix, pattern } = rewrite;
  return {
    ...(!dynamic.has(upstream) && toNewHost(rewrite)),
    ...(hostOfTarget && { auto_host_rewrite: true }),
    ...(prefix !== undefined && { prefix_rewrite: prefix }),
    ...(pattern && { regex_rewrite: { pattern: { regex: pattern.regex }, substitution: pattern.substitution } }),
  };
}

function toNewHost({ host, hostField }: Rewrite): Tree {
  return {
    ...(host !== undefined && { host_rewrite_literal: host }),
    ...(hostField !== undefined && { host_rewrite_header: hostField }),
  };
}

function toUpgrade(name: string): Tree {
  return { upgrade_type: name === 'connect' ? 'CONNECT' : name };
}

function toLimits({ idleMs, lifetimeMs }: RequestsAction | TunnelsAction): Tree {
  return {
    ...(idleMs !== undefined && { idle_timeout: formatSeconds(idleMs) }),
    ...(lifetimeMs !== undefined && { max_stream_duration: { max_stream_duration: formatSeconds(lifetimeMs) } }),
  };
}

/** Makes a route that terminates tunnels and relays their bytes to a cluster. */
function toTunnelRoute(action: TunnelsAction, dynamic: Dynamic): Tree {
  const { upstream, post, proxyProtocol } = action;
  const config = {
    ...(post && { allow_post: true }),
    ...(proxyProtocol && { proxy_protocol_config: { version: proxyProtocol.toUpperCase() } }),
  };
  return {
    route: {
      cluster: upstream,
      // Any other timeout would end even a busy tunnel.
      timeout: '0s',
      ...toLimits(action),
      upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: config }],
      ...toRewrite(action, dynamic),
    },
  };
}

function toPlan(upstream: Upstream): ClusterPlan {
  const { name, to, route, version, tls } = upstream;
  const places = 'field' in to ? to : to.targets.map((address) => ({ address }));
  const server = 'field' in to ? undefined : to.targets.find(({ kind }) => kind === 'tcp');
  const host = server?.kind === 'tcp' ? server.host : '';
  return {
    name,
    to: places,
    ...(!('field' in to) && { balance: to.balance }),
    ...toDialPlan(route),
    protocol: version,
    ...(tls && { socket: toClusterSocket({ settings: tls, ...(!takesNames(upstream) && { host }) }) }),
  };
}
