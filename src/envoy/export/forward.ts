import type { ForwardStage, HopChoice, RouteOptions, Target } from '../../chain/model/graph.ts';
import { wantHopAnswers, wantHopTrailers } from '../../chain/model/hop-answers.ts';
import type { SharedNames } from '../../chain/model/shared-names.ts';
import { formatAddress, hostOf } from '../../core/address.ts';
import type { Hop } from '../../core/hop.ts';
import { type ClusterPlan, toCluster, toDialPlan } from './cluster.ts';
import { tcpLogs, toAccessLogs } from './access-log.ts';
import { toListener } from './listener.ts';
import { escapeOperators, formatSeconds, type Tree, typed } from './terms.ts';
import { toClusterSocket } from './tls.ts';
import { termsOf } from '../schema/hop-terms.ts';

/** The listener and clusters that represent a stage in an Envoy file. */
export interface StageTrees {
  readonly listener: Tree;
  readonly clusters: readonly Tree[];
}

/** Makes the listener and clusters of a forward stage, which has one hop at most. */
export function toForwardTrees(stage: ForwardStage, names: SharedNames): StageTrees {
  const { name, route, accessLogs } = stage;
  const { limits, retries = 0, backOff } = route;
  const [choice] = route.hops;
  const { idleMs, lifetimeMs } = limits;
  const plan = toPlan(stage);
  // Stages with the same exit share a cluster, and with it the sessions with their hop.
  const cluster = names.share(name, plan);
  const proxy = typed('filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: name,
    cluster,
    ...(choice && { tunneling_config: toTunneling(choice, stage) }),
    idle_timeout: formatSeconds(idleMs),
    ...(lifetimeMs !== undefined && { max_downstream_connection_duration: formatSeconds(lifetimeMs) }),
    ...(retries > 0 && { max_connect_attempts: retries + 1 }),
    ...(backOff && {
      backoff_options: { base_interval: formatSeconds(backOff.baseMs), max_interval: formatSeconds(backOff.maxMs) },
    }),
    ...toAccessLogs(accessLogs, tcpLogs),
  });
  const filter = { name: 'envoy.filters.network.tcp_proxy', typed_config: proxy };
  return { listener: toListener(stage, filter), clusters: [toCluster({ ...plan, name: cluster })] };
}

function toPlan({ to, route, targetTls }: ForwardStage): Omit<ClusterPlan, 'name'> {
  const [choice] = route.hops;
  const common = toDialPlan(route);
  return choice
    ? { ...common, ...toHopPlan(choice, route) }
    : {
        ...common,
        to: to.targets.map((address) => ({ address })),
        balance: to.balance,
        ...(targetTls && {
          socket: toClusterSocket({ settings: targetTls, host: hostOf(to.targets[0] as Target) ?? '' }),
        }),
      };
}

function toHopPlan(
  choice: HopChoice,
  { entry, hopBalance = 'first' }: RouteOptions,
): Pick<ClusterPlan, 'to' | 'balance' | 'protocol' | 'socket'> {
  const [hop] = choice;
  const terms = hop && termsOf(hop);
  return {
    to: choice.map(({ address }) => (entry ? { address: entry, id: formatAddress(address) } : { address })),
    balance: hopBalance,
    ...(terms && { protocol: terms.versions[0] }),
    ...(hop && terms?.isSecured && { socket: toHopSocket(hop) }),
  };
}

function toHopSocket({ tls, address, settings }: Hop): Tree {
  const { peer } = settings;
  return toClusterSocket({ settings: tls, host: hostOf(address) ?? '', ...(peer !== undefined && { spiffeId: peer }) });
}

function toTunneling([hop]: HopChoice, { to, targetFormat, accessLogs }: ForwardStage): Tree {
  const [target] = to.targets;
  const { settings = {}, headers = [], formats = [] } = hop ?? {};
  const { path } = settings;
  const isPost = hop && termsOf(hop).tunnel === 'post';
  const fields = [...headers, ...formats].map(([key, value]) => ({ header: { key, value } }));
  return {
    hostname: targetFormat ?? (target ? escapeOperators(formatAddress(target)) : ''),
    ...(isPost && { use_post: true, ...(path !== undefined && { post_path: path }) }),
    ...(fields.length > 0 && { headers_to_add: fields }),
    ...(wantHopAnswers(accessLogs) && { propagate_response_headers: true }),
    ...(wantHopTrailers(accessLogs) && { propagate_response_trailers: true }),
  };
}
