import type { Path } from '../../../chain/read/document.ts';
import type {
  AnswerAction,
  FieldMatch,
  HttpAction,
  HttpRoute,
  RequestMatch,
  Rewrite,
} from '../../../chain/model/graph.ts';
import { takesNames } from '../../../chain/model/http.ts';
import type { RouteActionMessage, RouteMessage } from '../../schema/http/route.ts';
import { findFiltered, findScreens, type HttpFilters, type PerFilterLevel, readPerFilter } from './filters.ts';
import { readHeaderChanges } from './header-changes.ts';
import { assertOne } from '../one-of.ts';
import { readBodyForm } from './local-reply.ts';
import { readMatch } from './match.ts';
import { readRedirect, readRewrite, type RouteUpstream } from './rewrite.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

/** The context for reading the routes of a filter. */
export interface RouteContext {
  readonly reading: BootstrapDiagnostics;
  /** The protocols in the filter's upgrade settings, in lower case, and whether clients may upgrade to them. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** True if the filter sets an idle limit of its own. */
  readonly saysIdle: boolean;
  readonly maxBodyBytes: number;
  /** The names of all clusters of the file. */
  readonly clusters: readonly string[];
  /** Returns the upstream for a cluster, or undefined after adding a fault. */
  readonly findUpstream: (cluster: string, path: Path) => RouteUpstream | undefined;
  readonly filters: HttpFilters;
}

/** Envoy's default of `timeout`, in milliseconds. */
const timeoutMs = 15_000;
/** Envoy's default of `stream_idle_timeout`, in milliseconds. */
const idleMs = 300_000;

/** Reads a route as one or two routes of tunl: tunnels and other requests may need separate ones. */
export function readRoute(
  words: RouteMessage,
  path: Path,
  outer: readonly PerFilterLevel[],
  context: RouteContext,
): HttpRoute[] {
  const { reading, filters } = context;
  const own = readPerFilter(words.typed_per_filter_config, [...path, 'typed_per_filter_config'], filters, reading);
  assertOne(path, words, ['route', 'direct_response', 'redirect'], reading);
  const match = readMatch(words.match, [...path, 'match'], reading);
  const screens = findScreens([own, ...outer], filters);
  const changes = { ...readHeaderChanges(words, path, reading), ...(screens && { screens }) };
  if (words.direct_response) {
    const { status, body, body_format: format } = words.direct_response;
    const at = [...path, 'direct_response', 'body', 'inline_string'];
    const size = Buffer.byteLength(body?.inline_string ?? '');
    if (size > context.maxBodyBytes)
      reading.add(
        at,
        `this has ${size} bytes, and at most ${context.maxBodyBytes} are allowed`,
        'raise max_direct_response_body_size_bytes in the route_config',
      );
    const form = format && readBodyForm(format, [...path, 'direct_response', 'body_format'], reading);
    const text = body && { body: body.inline_string };
    const own = ofFilter(context);
    const action = { kind: 'answer', status, ...text, ...(form && { form }), ...own } as const;
    return [{ match, action, ...changes }];
  }
  if (words.redirect) {
    const action = readRedirect(words.redirect, match, [...path, 'redirect'], reading);
    return [{ match, action, ...changes }];
  }
  const filtered = findFiltered([own, ...outer], filters);
  const read = words.route?.cluster_header === undefined ? readAction : readChoice;
  const routes = words.route ? read(words.route, match, filtered, [...path, 'route'], context) : [];
  return routes.map((route) => ({ ...route, ...changes }));
}

/** The changes of protocol that a route takes which sends nothing on: those of its filter. */
function ofFilter({ upgrades: all }: RouteContext): Pick<AnswerAction, 'upgrades'> {
  const upgrades = [...all].flatMap(([type, isEnabled]) => (isEnabled ? [type] : []));
  return upgrades.length > 0 ? { upgrades } : {};
}

const absent = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;

/**
 * Reads an action whose cluster a field of the request names: as a route for each cluster, and an answer for all that names
 * none of them. Where a request has the field more than once, Envoy takes the first, and here the first cluster of the file that
 * is named.
 */
function readChoice(
  { cluster_header: header = '', ...words }: RouteActionMessage,
  match: RequestMatch,
  filtered: Rewrite,
  path: Path,
  context: RouteContext,
): HttpRoute[] {
  if (words.cluster !== undefined)
    context.reading.add([...path, 'cluster_header'], 'a route has cluster or cluster_header', 'leave one of them out');
  const { cluster_not_found_response_code: code = 'SERVICE_UNAVAILABLE' } = words;
  const name = header.toLowerCase();
  const chosen = context.clusters.flatMap((cluster) => {
    const field: FieldMatch = { name, value: { kind: 'exact', value: cluster } };
    return readAction({ ...words, cluster }, { ...match, fields: [...match.fields, field] }, filtered, path, context);
  });
  const upgrades = readUpgrades(words.upgrade_configs ?? [], [...path, 'upgrade_configs'], context);
  const action = { kind: 'answer', status: absent[code], ...(upgrades.length > 0 && { upgrades }) } as const;
  return [...chosen, { match, action }];
}

function readAction(
  words: RouteActionMessage,
  match: RequestMatch,
  filtered: Rewrite,
  path: Path,
  context: RouteContext,
): HttpRoute[] {
  const { upgrade_configs: configs = [], cluster } = words;
  const { reading } = context;
  if (cluster === undefined) reading.add(path, 'cluster is missing');
  const to = cluster === undefined ? undefined : context.findUpstream(cluster, [...path, 'cluster']);
  const joined = to ? joinRewrites(filtered, readRewrite(words, path, to, reading), to, path, context) : {};
  const rewrite = Object.keys(joined).length > 0 && { rewrite: joined };
  const upstream = to?.upstream.name;
  const upgrades = readUpgrades(configs, [...path, 'upgrade_configs'], context);
  const connect = configs.find(({ upgrade_type: type }) => type.toLowerCase() === 'connect');
  if (upstream === undefined) return [];
  const requests: HttpAction = {
    kind: 'requests',
    upstream,
    ...readLimits(words, upgrades, context),
    ...readLifetime(words),
    upgrades,
    ...rewrite,
  };
  const { connect_config: config } = connect ?? {};
  if (!config || !upgrades.includes('connect')) return [{ match, action: requests }];
  const { allow_post: post = false, proxy_protocol_config: proxy } = config;
  const version = proxy && ((proxy.version ?? 'V1') === 'V1' ? 'v1' : 'v2');
  const tunnels: HttpAction = {
    kind: 'tunnels',
    upstream,
    post,
    ...(words.idle_timeout !== undefined && { idleMs: words.idle_timeout }),
    ...readLifetime(words),
    ...(version && { proxyProtocol: version }),
    ...rewrite,
  };
  return splitTunnels(match, tunnels, { ...requests, upgrades: upgrades.filter((type) => type !== 'connect') });
}

/** Joins what the filter that looks targets up changes with what the route itself changes afterwards. */
function joinRewrites(
  filtered: Rewrite,
  own: Rewrite,
  { upstream }: RouteUpstream,
  path: Path,
  { filters, reading }: RouteContext,
): Rewrite {
  // That filter takes no notice of requests that lead to other clusters.
  if (!takesNames(upstream) || filters.dynamic.size === 0) return own;
  const { host, hostField, ...rest } = own;
  if (host !== undefined || hostField !== undefined) {
    reading.add(
      [...path, host === undefined ? 'host_rewrite_header' : 'host_rewrite_literal'],
      'the filter dynamic_forward_proxy looks up the host before this changes it, and Envoy answers 503 then',
      'write it in typed_per_filter_config, in a PerRouteConfig',
    );
  }
  return { ...filtered, ...rest };
}

/** Makes separate routes for tunnels and other requests, if a match allows both. The method decides which is which. */
function splitTunnels(
  match: RequestMatch,
  tunnels: HttpAction & { readonly kind: 'tunnels' },
  requests: HttpAction,
): HttpRoute[] {
  if (match.path.kind === 'connect') return [{ match, action: tunnels }];
  const method = match.fields.find(isExactMethod)?.value?.value;
  if (method === 'CONNECT' || (method === 'POST' && tunnels.post)) return [{ match, action: tunnels }];
  if (method !== undefined || !tunnels.post) return [{ match, action: requests }];
  const posts = { ...match, fields: [...match.fields, postMethod] };
  return [
    { match: posts, action: tunnels },
    { match, action: requests },
  ];
}

const postMethod: FieldMatch = { name: ':method', value: { kind: 'exact', value: 'POST' } };

function isExactMethod({ name, value, invert }: FieldMatch): boolean {
  return name === ':method' && value?.kind === 'exact' && !invert;
}

function readLimits(
  { timeout, idle_timeout: idle }: RouteActionMessage,
  upgrades: readonly string[],
  { saysIdle }: RouteContext,
): { readonly timeoutMs: number; readonly idleMs?: number } {
  // The default limit must not end connections that were upgraded.
  const implicit = saysIdle || upgrades.length > 0 ? undefined : idleMs;
  const own = idle ?? implicit;
  return { timeoutMs: timeout ?? timeoutMs, ...(own !== undefined && { idleMs: own }) };
}

/** Reads the limit that a route says instead of the one of its manager; 0 is none. */
function readLifetime({ max_stream_duration: words }: RouteActionMessage): { readonly lifetimeMs?: number } {
  const lifetimeMs = words?.max_stream_duration;
  return lifetimeMs === undefined ? {} : { lifetimeMs };
}

/** Lists the enabled upgrades of a route. Its settings for a protocol override those of the filter. */
function readUpgrades(
  configs: NonNullable<RouteActionMessage['upgrade_configs']>,
  path: Path,
  { upgrades, reading }: RouteContext,
): string[] {
  const all = new Map(upgrades);
  const own = new Set<string>();
  for (const [index, { upgrade_type: text, enabled = true, connect_config: config }] of configs.entries()) {
    const type = text.toLowerCase();
    if (own.has(type)) reading.add([...path, index, 'upgrade_type'], `duplicate ${text}`, 'leave one of them out');
    if (config && type !== 'connect')
      reading.add(
        [...path, index, 'connect_config'],
        `connect_config goes with CONNECT, not with ${text}`,
        'leave it out',
      );
    if (enabled) assertUpgrade(text, [...path, index, 'upgrade_type'], reading);
    own.add(type);
    all.set(type, enabled);
  }
  return [...all].flatMap(([type, isEnabled]) => (isEnabled ? [type] : []));
}

/** Refuses an upgrade to a protocol that is not a plain stream of bytes in each direction. */
export function assertUpgrade(type: string, path: Path, reading: BootstrapDiagnostics): void {
  if (/^connect-/i.test(type))
    reading.add(path, `tunl does not support ${type}`, 'there are CONNECT, websocket and the like');
}
