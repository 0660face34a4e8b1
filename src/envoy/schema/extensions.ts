import { type Refusal, type RefusalName, refusals } from './refusals.ts';

/**
 * Extensions of Envoy that stand in people's files, by the reason why they do not run: the names of their packages below
 * `envoy.extensions`.
 */
const packages = {
  askOthers: 'filters.http.ext_authz filters.network.ext_authz filters.http.ext_proc filters.network.ext_proc',
  code: 'filters.http.lua filters.http.wasm filters.network.wasm filters.http.golang filters.network.golang filters.http.dynamic_modules',
  login: 'filters.http.jwt_authn filters.http.oauth2 filters.http.basic_auth filters.http.api_key_auth',
  rate: 'filters.http.ratelimit filters.network.ratelimit filters.http.local_ratelimit filters.network.local_ratelimit filters.listener.local_ratelimit filters.network.connection_limit filters.http.admission_control filters.http.bandwidth_limit',
  change: 'filters.http.header_mutation',
  hello: 'filters.network.sni_dynamic_forward_proxy filters.network.sni_cluster',
  original: 'filters.listener.original_dst',
  source: 'filters.listener.original_src filters.http.original_src',
  speech:
    'filters.network.redis_proxy filters.network.mongo_proxy filters.network.mysql_proxy filters.network.postgres_proxy filters.network.thrift_proxy filters.network.zookeeper_proxy filters.network.kafka_broker filters.network.dubbo_proxy',
  before: 'transport_sockets.http_11_proxy',
  later: 'transport_sockets.starttls',
  udp: 'transport_sockets.quic filters.udp.udp_proxy',
  sentLog: 'access_loggers.grpc access_loggers.open_telemetry access_loggers.fluentd access_loggers.wasm',
  choice:
    'load_balancing_policies.ring_hash load_balancing_policies.maglev load_balancing_policies.subset load_balancing_policies.wrr_locality load_balancing_policies.client_side_weighted_round_robin',
  endpoints: 'clusters.aggregate',
} as const satisfies Partial<Readonly<Record<RefusalName, string>>>;

/** The extensions that are refused by name, by their packages. */
export const refusedExtensions: ReadonlyMap<string, Refusal> = new Map(
  Object.entries(packages).flatMap(([reason, names]) =>
    names.split(' ').map((name) => [name, refusals[reason as keyof typeof packages]] as const),
  ),
);

/** Returns why an extension does not run, by the name of its type; undefined if nothing is said of it. */
export function findRefusedExtension(type: string): Refusal | undefined {
  const [, name = ''] = /^envoy\.extensions\.(.+)\.v\d+(?:alpha\d*)?\.\w+$/.exec(type) ?? [];
  return refusedExtensions.get(name);
}
