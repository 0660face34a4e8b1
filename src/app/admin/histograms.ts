import type { HistogramStat } from '../../telemetry/stat.ts';
import { labelOf } from './stats.ts';
import type { Traffic } from './traffic.ts';

/** Lists the distributions of durations, in milliseconds, under the names of Envoy. */
export function listHistograms({ listeners, upstreams, clients }: Traffic): HistogramStat[] {
  return [
    ...[...listeners].map(([address, { lengths }]) => ({
      name: 'listener.downstream_cx_length_ms',
      help: 'How long connections were open',
      of: labelOf('envoy_listener_address', address),
      histogram: lengths,
    })),
    ...[...upstreams].flatMap(([name, { times }]) => {
      const of = labelOf('envoy_cluster_name', name);
      return [
        {
          name: 'cluster.upstream_cx_connect_ms',
          help: 'How long connections took, without TLS',
          of,
          histogram: times.connects,
        },
        { name: 'cluster.upstream_cx_length_ms', help: 'How long connections were open', of, histogram: times.lengths },
        // Absent until there was an answer, as in Envoy: most upstreams have tunnels alone.
        ...(times.requests.all.count > 0
          ? [{ name: 'cluster.upstream_rq_time', help: 'How long answers took', of, histogram: times.requests }]
          : []),
      ];
    }),
    ...[...clients].flatMap(([name, { connections, requests }]) => {
      const of = labelOf('envoy_http_conn_manager_prefix', name);
      return [
        { name: 'http.downstream_cx_length_ms', help: 'How long clients were connected', of, histogram: connections },
        { name: 'http.downstream_rq_time', help: 'How long requests and tunnels took', of, histogram: requests },
      ];
    }),
  ];
}
