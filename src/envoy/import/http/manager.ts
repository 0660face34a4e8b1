import type { Path } from '../../../chain/read/document.ts';
import { tellsInside } from '../../../chain/model/chosen.ts';
import type { HttpStage, Upstream, VirtualHost } from '../../../chain/model/graph.ts';
import type { LogMoment } from '../../../chain/model/log-filter.ts';
import { formatAddress, type InternalAddress, type ListenAddress } from '../../../core/address.ts';
import { isLoopback } from '../../../core/ip.ts';
import { quote } from '../../../syntax/text.ts';
import type { ClusterMessage } from '../../schema/cluster.ts';
import type { HttpConnectionManagerMessage } from '../../schema/http/manager.ts';
import type { RouteConfigurationMessage } from '../../schema/http/route.ts';
import { StageNames } from '../../names.ts';
import { assertAtMostOne } from '../one-of.ts';
import { listScreens, readHttpFilters, readPerFilter } from './filters.ts';
import { readHeaderChanges } from './header-changes.ts';
import { readLocalReply } from './local-reply.ts';
import { joinState, keepShared } from '../filter-state.ts';
import { readAccessLogs, readEarly, toStageLogs } from '../access-log.ts';
import { type Cluster, toRoute, usualLimits } from '../cluster.ts';
import { assertUpgrade, readRoute, type RouteContext } from './route.ts';
import type { RouteUpstream } from './rewrite.ts';
import type { FilterContext } from '../tcp-proxy.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

/** Envoy's default of `max_direct_response_body_size_bytes`, in bytes. */
const maxBodyBytes = 4096;

const codecs = { AUTO: 'auto', HTTP1: 'http1', HTTP2: 'http2' } as const;

/** Reads an HttpConnectionManager as an HTTP stage, without the parts that belong to the listener. */
export function readHttpManager(
  words: HttpConnectionManagerMessage,
  [listen, ...more]: readonly [ListenAddress | InternalAddress, ...ListenAddress[]],
  context: FilterContext,
): Omit<HttpStage, 'name' | 'listen' | 'tls'> {
  const { path, reading } = context;
  const { codec_type: codec = 'AUTO', stream_idle_timeout: idle, common_http_protocol_options: common } = words;
  if (!words.route_config) reading.add(path, 'route_config is missing');
  const filters = readHttpFilters(words, path, { ...context.rules, isOfConnections: false });
  const screens = listScreens([...filters.screens.values()]);
  const upstreams = new UpstreamReader(context);
  const routes: RouteContext = {
    reading,
    upgrades: readUpgrades(words, path, reading),
    saysIdle: idle !== undefined,
    maxBodyBytes: words.route_config?.max_direct_response_body_size_bytes ?? maxBodyBytes,
    filters,
    clusters: context.clusters,
    findUpstream: (cluster, at) => upstreams.find(cluster, at),
  };
  const hosts = readHosts(words.route_config ?? {}, [...path, 'route_config'], routes);
  const state = [...context.state, ...filters.state];
  const shared = keepShared(state, upstreams.words, [...path, 'http_filters'], reading);
  const { max_stream_duration: lifetimeMs = 0 } = common ?? {};
  const isChosen = upstreams.list.some(({ to }) => 'field' in to) || tellsInside({ state: shared });
  const exposed = [listen, ...more].filter((address) => !isLoopback(address)).map(formatAddress);
  if (isChosen && exposed.length > 0) {
    const message = `everybody who reaches ${exposed.join(' or ')} chooses where tunnels and requests go, as in Envoy`;
    reading.notice('warning', path, message);
  }
  return {
    job: 'http',
    codec: codecs[codec],
    hosts,
    ...readStrippedPort(words, path, reading),
    ...(words.route_config?.ignore_port_in_host_matching && { ignorePort: true }),
    upstreams: upstreams.list,
    ...(screens.length > 0 && { screens }),
    ...joinState(shared, [...path, 'http_filters'], reading),
    ...readHeaderChanges(words.route_config ?? {}, [...path, 'route_config'], reading),
    ...(words.route_config?.most_specific_header_mutations_wins && { routesChangeLast: true }),
    ...readLocalReply(words.local_reply_config, [...path, 'local_reply_config'], reading),
    // Envoy has no access control here.
    ...(isChosen && { open: true }),
    route: { hops: [], limits: { ...usualLimits, idleMs: idle ?? 0, ...(lifetimeMs > 0 && { lifetimeMs }) } },
    log: false,
    ...toStageLogs(
      readAccessLogs(words.access_log, [...path, 'access_log'], { reading, of: 'http', early: readLogMoments(words) }),
    ),
  };
}

function readLogMoments(words: HttpConnectionManagerMessage): readonly LogMoment[] {
  const { access_log_options: logging } = words;
  return readEarly({
    asked: logging?.flush_access_log_on_new_request ?? words.flush_access_log_on_new_request,
    opened: logging?.flush_log_on_tunnel_successfully_established,
  });
}

/** Reads the clusters that the routes of a stage use as its upstreams. */
class UpstreamReader {
  readonly list: Upstream[] = [];
  readonly #context: FilterContext;
  readonly #known = new Map<string, RouteUpstream>();
  readonly #names = new StageNames();

  constructor(context: FilterContext) {
    this.#context = context;
  }

  /** The clusters that the upstreams were made from. */
  get words(): readonly ClusterMessage[] {
    return [...this.#known.values()].map(({ words }) => words);
  }

  find(name: string, path: Path): RouteUpstream | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const cluster = this.#context.findCluster(name, path);
    const upstream = cluster && this.#read(cluster, path);
    if (!upstream) return undefined;
    const found = { upstream, words: cluster.words };
    this.#known.set(name, found);
    this.list.push(upstream);
    return found;
  }

  #read(cluster: Cluster, path: Path): Upstream | undefined {
    const { to, version, tls } = cluster;
    const { reading } = this.#context;
    if (cluster.peer !== undefined) {
      reading.add(
        path,
        `${cluster.name} has a SPIFFE id, and that is for tunnels of a TcpProxy here`,
        'write a name of the type DNS',
      );
    }
    if (!to) {
      const [why, instead] =
        cluster.words.type === 'ORIGINAL_DST'
          ? ['needs original_dst_lb_config with use_http_header: true', 'write that']
          : ['has no endpoints', 'write load_assignment with endpoints'];
      reading.add(path, `${cluster.name} ${why}: nothing can be sent there`, instead);
      return undefined;
    }
    if (version === 'either') {
      const at = [...cluster.path, 'typed_extension_protocol_options'];
      reading.add(at, 'auto_config is for tunnels of a TcpProxy here', 'write explicit_http_config');
      return undefined;
    }
    return {
      name: this.#names.make(cluster.name, 'upstream'),
      to,
      route: toRoute(cluster, { idleMs: 0 }),
      version,
      ...(tls && { tls }),
    };
  }
}

function readUpgrades(
  { upgrade_configs: configs = [] }: HttpConnectionManagerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Map<string, boolean> {
  const upgrades = new Map<string, boolean>();
  for (const [index, { upgrade_type: text = '', enabled = true }] of configs.entries()) {
    const type = text.toLowerCase();
    if (upgrades.has(type))
      reading.add([...path, 'upgrade_configs', index, 'upgrade_type'], `duplicate ${text}`, 'leave one of them out');
    if (enabled) assertUpgrade(text, [...path, 'upgrade_configs', index, 'upgrade_type'], reading);
    upgrades.set(type, enabled);
  }
  upgrades.delete('');
  return upgrades;
}

function readHosts(
  { virtual_hosts: hosts = [], typed_per_filter_config: perFilter }: RouteConfigurationMessage,
  path: Path,
  context: RouteContext,
): VirtualHost[] {
  const names = new StageNames();
  const seen = new Set<string>();
  const outer = readPerFilter(perFilter, [...path, 'typed_per_filter_config'], context.filters, context.reading);
  return hosts.map((host, index) => {
    const at = [...path, 'virtual_hosts', index];
    const domains = host.domains.map((text, position) => {
      const domain = text.toLowerCase();
      if (seen.has(domain))
        context.reading.add([...at, 'domains', position], `duplicate ${quote(text)}`, 'leave one of them out');
      seen.add(domain);
      return domain;
    });
    const settingsAt = [...at, 'typed_per_filter_config'];
    const own = readPerFilter(host.typed_per_filter_config, settingsAt, context.filters, context.reading);
    const routes = (host.routes ?? []).flatMap((route, position) =>
      readRoute(route, [...at, 'routes', position], [own, outer], context),
    );
    const changes = readHeaderChanges(host, at, context.reading);
    return { name: names.make(host.name, 'host'), domains, routes, ...changes };
  });
}

/** Reads which port Envoy cuts off the hosts of requests before its filters and routes see them. */
function readStrippedPort(
  words: HttpConnectionManagerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Pick<HttpStage, 'stripPort'> {
  const { strip_any_host_port: any = false, strip_matching_host_port: own = false } = words;
  if (any && own) assertAtMostOne(path, words, ['strip_any_host_port', 'strip_matching_host_port'], reading);
  if (any) return { stripPort: 'any' };
  return own ? { stripPort: 'reached' } : {};
}
