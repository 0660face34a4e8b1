import { type Address, formatAddress } from '../../core/address.ts';
import { writeUnixPath } from '../../core/unix-path.ts';
import { toPrintable } from '../../syntax/text.ts';
import { type AdminAnswer, badRequest, type AdminEndpoint, json, text } from './endpoint.ts';
import type { CertificateFacts, ClusterFacts, ListenerFacts } from './subject.ts';

const format = { format: 'one of text, json' } as const;

/** Paths for listeners, clusters, configuration and certificates. */
export const resources: readonly AdminEndpoint[] = [
  {
    path: '/listeners',
    method: 'GET',
    summary: 'print the listeners, each with the port that it really has',
    params: format,
    answer: ({ listListeners }, { query }) =>
      choose(query, {
        text: () => listListeners().map(formatListener).join(''),
        json: () => ({ listener_statuses: listListeners().map(toListenerStatus) }),
      }),
  },
  {
    path: '/clusters',
    method: 'GET',
    summary: 'print where the stages lead to, and what was counted of the connections there',
    params: format,
    answer: ({ listClusters }, { query }) =>
      choose(query, {
        text: () => listClusters().flatMap(formatCluster).join(''),
        json: () => ({ cluster_statuses: listClusters().map(toClusterStatus) }),
      }),
  },
  {
    path: '/config_dump',
    method: 'GET',
    summary: 'dump the stages as they run, with no secret in them',
    answer: async ({ dumpConfig }) => json({ configs: [{ '@type': 'tunl.chain', ...(await dumpConfig()) }] }),
  },
  {
    path: '/certs',
    method: 'GET',
    summary: 'print the certificates of the listeners',
    answer: async ({ listCertificates }) =>
      json({
        certificates: (await listCertificates()).map((facts) => ({ ca_cert: [], cert_chain: [toCertStatus(facts)] })),
      }),
  },
];

interface Forms {
  readonly text: () => string;
  readonly json: () => object;
}

function choose(query: URLSearchParams, forms: Forms): AdminAnswer {
  const form = query.get('format') ?? 'text';
  if (form === 'json') return json(forms.json());
  if (form === 'text') return text(forms.text());
  return badRequest('format is one of text, json');
}

function formatListener({ name, address }: ListenerFacts): string {
  return `${name}::${toPrintable(formatAddress(address))}\n`;
}

function toListenerStatus({ name, address }: ListenerFacts) {
  return { name, local_address: toEnvoyAddress(address) };
}

function toEnvoyAddress(address: Address): object {
  switch (address.kind) {
    case 'tcp':
      return { socket_address: { address: address.host, port_value: address.port } };
    case 'unix':
      return { pipe: { path: writeUnixPath(address.path) } };
    case 'internal':
      return { envoy_internal_address: { server_listener_name: address.name } };
    case 'fd':
      return { pipe: { path: formatAddress(address) } };
  }
}

function formatCluster({ name, hosts }: ClusterFacts): readonly string[] {
  const hostLines = hosts.flatMap(({ address, counts }) => {
    const facts = {
      cx_active: counts.active,
      cx_connect_fail: counts.connectFail,
      cx_total: counts.total,
      health_flags: 'healthy',
      weight: 1,
    };
    return Object.entries(facts).map(([key, value]) => `${toPrintable(formatAddress(address))}::${key}::${value}`);
  });
  return [`observability_name::${name}`, 'added_via_api::false', ...hostLines].map((line) => `${name}::${line}\n`);
}

function toClusterStatus({ name, hosts }: ClusterFacts) {
  const host_statuses = hosts.map(({ address, counts }) => ({
    address: toEnvoyAddress(address),
    stats: [
      { name: 'cx_connect_fail', value: String(counts.connectFail) },
      { name: 'cx_total', value: String(counts.total) },
      { type: 'GAUGE', name: 'cx_active', value: String(counts.active) },
    ],
    health_status: { eds_health_status: 'HEALTHY' },
    weight: 1,
    locality: {},
  }));
  return { name, host_statuses, observability_name: name };
}

const dayMs = 86_400_000;

function toCertStatus({ path, serialNumber, names, validFrom, validTo }: CertificateFacts) {
  return {
    path,
    serial_number: serialNumber.toLowerCase(),
    subject_alt_names: names.map((name) => ({ dns: name })),
    days_until_expiration: String(Math.max(0, Math.floor((validTo.getTime() - Date.now()) / dayMs))),
    valid_from: validFrom.toISOString(),
    expiration_time: validTo.toISOString(),
  };
}
