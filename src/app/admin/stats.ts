import type { PauseCount } from '../../core/flow.ts';
import { countStages } from '../tunnel/stage-counts.ts';
import type { Stat, StatLabel } from '../../telemetry/stat.ts';
import type { ConnectionCounts, ScreenCounts, Traffic } from './traffic.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';

/** The sources of the statistics. */
export interface StatSources {
  readonly traffic: Traffic;
  readonly tunnels: Tunnels;
  /** The names of the stages that forward, and of the other stages, which speak HTTP. */
  readonly forwards: readonly string[];
  readonly proxies: readonly string[];
  readonly listeners: number;
  readonly isLive: boolean;
  readonly uptimeMs: number;
}

/** Lists the statistics of the program; those that Envoy has too bear its names. */
export function listStats(sources: StatSources): Stat[] {
  return [
    ...listServerStats(sources),
    ...listListenerStats(sources),
    ...listUpstreamStats(sources),
    ...listStageStats(sources),
    ...listScreenStats(sources),
    ...listPauseStats(sources),
    ...listTunnelStats(sources),
    ...listProcessStats(),
  ];
}

function listServerStats({ listeners, isLive, uptimeMs }: StatSources): Stat[] {
  return [
    gauge('server.live', isLive ? 1 : 0, 'Whether the program takes new work'),
    gauge('server.state', isLive ? 0 : 1, '0 is live, 1 is draining'),
    gauge('server.uptime', Math.floor(uptimeMs / 1000), 'Seconds since the start'),
    gauge('listener_manager.total_listeners_active', listeners, 'Listeners that accept'),
  ];
}

function listListenerStats({ traffic }: StatSources): Stat[] {
  return [...traffic.listeners].flatMap(([address, { total, active }]) => {
    const of = labelOf('envoy_listener_address', address);
    return [
      { ...counter('listener.downstream_cx_total', total, 'Connections that were accepted'), of },
      { ...gauge('listener.downstream_cx_active', active, 'Connections that are open'), of },
    ];
  });
}

function listUpstreamStats({ traffic }: StatSources): Stat[] {
  const entries = [...traffic.upstreams];
  const each = (make: (connections: ConnectionCounts) => Stat): Stat[] =>
    entries.map(([value, { all }]) => ({ ...make(all), of: labelOf('envoy_cluster_name', value) }));
  return [
    gauge('cluster_manager.active_clusters', entries.length, 'Places that stages lead to'),
    ...each(({ total }) => counter('cluster.upstream_cx_total', total, 'Connections that were begun')),
    ...each(({ active }) => gauge('cluster.upstream_cx_active', active, 'Connections that are open')),
    ...each(({ failed }) => counter('cluster.upstream_cx_connect_fail', failed, 'Connections that were not made')),
  ];
}

function listStageStats({ traffic, tunnels, forwards, proxies }: StatSources): Stat[] {
  const live = countStages(tunnels);
  const read = (name: string) => {
    const now = live.get(name) ?? { tunnels: 0, sent: 0, received: 0 };
    const before = traffic.stages.get(name) ?? { tunnels: 0, sent: 0, received: 0 };
    const [total, sent, received] = (['tunnels', 'sent', 'received'] as const).map((key) => now[key] + before[key]);
    return { active: now.tunnels, total: total ?? 0, sent: sent ?? 0, received: received ?? 0 };
  };
  return [
    ...forwards.flatMap((value) => {
      const { total, sent, received } = read(value);
      const of = labelOf('envoy_tcp_prefix', value);
      return [
        { ...counter('tcp.downstream_cx_total', total, 'Connections that were to be forwarded'), of },
        { ...counter('tcp.downstream_cx_rx_bytes_total', sent, 'Bytes from clients'), of },
        { ...counter('tcp.downstream_cx_tx_bytes_total', received, 'Bytes to clients'), of },
      ];
    }),
    ...proxies.flatMap((value) => {
      const { active, total } = read(value);
      const expired = traffic.stages.get(value)?.expired ?? 0;
      const of = labelOf('envoy_http_conn_manager_prefix', value);
      return [
        { ...counter('http.downstream_cx_upgrades_total', total, 'Tunnels that were asked for'), of },
        { ...gauge('http.downstream_cx_upgrades_active', active, 'Tunnels that are open'), of },
        { ...counter('http.downstream_rq_max_duration_reached', expired, 'Those that had lived too long'), of },
      ];
    }),
  ];
}

function listScreenStats({ traffic: { screens } }: StatSources): Stat[] {
  const each = (counts: ReadonlyMap<string, ScreenCounts>, name: string, label: string, what: string) =>
    [...counts].flatMap(([value, { allowed, denied }]) => {
      const of = labelOf(label, value);
      return [
        { ...counter(`${name}.allowed`, allowed, `${what} that a screen let pass`), of },
        { ...counter(`${name}.denied`, denied, `${what} that a screen did not let pass`), of },
      ];
    });
  return [
    ...each(screens.requests, 'http.rbac', 'envoy_http_conn_manager_prefix', 'Requests'),
    ...each(screens.connections, 'rbac', 'envoy_rbac_prefix', 'Connections'),
  ];
}

/** Lists how often back-pressure has paused the reading of clients and upstreams. */
function listPauseStats({ traffic, tunnels, forwards, proxies }: StatSources): Stat[] {
  const { stages, upstreams, backedUp } = traffic.pauses.read(tunnels.all());
  const ofClients = (names: readonly string[], family: string, label: string) =>
    names.flatMap((name) => {
      const { paused, resumed } = stages.get(name) ?? noPause;
      const of = labelOf(label, name);
      const prefix = `${family}.downstream_flow_control`;
      return [
        { ...counter(`${prefix}_paused_reading_total`, paused, 'Times that clients were no longer read'), of },
        { ...counter(`${prefix}_resumed_reading_total`, resumed, 'Times that clients were read again'), of },
      ];
    });
  const ofUpstreams = [...traffic.upstreams.keys()].flatMap((name) => {
    const { paused, resumed } = upstreams.get(name) ?? noPause;
    // As in Envoy, requests alone back up; connections that are forwarded only pause their clients.
    const client = (forwards.includes(name) ? undefined : backedUp.get(name)) ?? noPause;
    const of = labelOf('envoy_cluster_name', name);
    const prefix = 'cluster.upstream_flow_control';
    return [
      { ...counter(`${prefix}_paused_reading_total`, paused, 'Times that upstreams were no longer read'), of },
      { ...counter(`${prefix}_resumed_reading_total`, resumed, 'Times that upstreams were read again'), of },
      { ...counter(`${prefix}_backed_up_total`, client.paused, 'Times that upstreams took no more of requests'), of },
      { ...counter(`${prefix}_drained_total`, client.resumed, 'Times that upstreams took more of requests again'), of },
    ];
  });
  return [
    ...ofClients(forwards, 'tcp', 'envoy_tcp_prefix'),
    ...ofClients(proxies, 'http', 'envoy_http_conn_manager_prefix'),
    ...ofUpstreams,
  ];
}

const noPause: PauseCount = { paused: 0, resumed: 0 };

function listTunnelStats({ traffic, tunnels }: StatSources): Stat[] {
  const open = [...tunnels];
  const bytes = (way: 'sent' | 'received') =>
    open.reduce((sum, { handle }) => sum + (handle?.[way] ?? 0), traffic.ended[way]);
  return [
    gauge('tunl.tunnels_active', open.length, 'Tunnels that are open or on their way'),
    counter('tunl.tunnels_opened_total', traffic.opened, 'Tunnels that came up'),
    counter('tunl.sent_bytes_total', bytes('sent'), 'Bytes from clients to targets'),
    counter('tunl.received_bytes_total', bytes('received'), 'Bytes from targets to clients'),
    ...[...traffic.ends].map(([value, count]) => ({
      ...counter('tunl.tunnels_closed_total', count, 'Tunnels that have ended, by how'),
      of: labelOf('end', value),
    })),
    ...[...traffic.failures].map(([value, count]) => ({
      ...counter('tunl.tunnels_failed_total', count, 'Tunnels that did not come up, by why'),
      of: labelOf('code', value),
    })),
  ];
}

function listProcessStats(): Stat[] {
  const { user, system } = process.cpuUsage();
  const started = Math.round(Date.now() / 1000 - process.uptime());
  return [
    counter('process_cpu_seconds_total', (user + system) / 1e6, 'Seconds of the processor'),
    gauge('process_resident_memory_bytes', process.memoryUsage.rss(), 'Memory in use'),
    gauge('process_start_time_seconds', started, 'When the program started, in seconds since 1970'),
  ];
}

/** Makes a label; Envoy allows no colon in a part of a name. */
export function labelOf(label: string, value: string): StatLabel {
  return { label, value: value.replaceAll(':', '_') };
}

function counter(name: string, value: number, help: string): Stat {
  return { name, kind: 'counter', help, value };
}

function gauge(name: string, value: number, help: string): Stat {
  return { name, kind: 'gauge', help, value };
}
