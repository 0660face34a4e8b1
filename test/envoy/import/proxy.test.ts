import { expect, test } from 'vitest';
import { Source } from '../../../src/chain/read/document.ts';
import { listStages } from '../../../src/chain/model/graph.ts';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { loadBootstrap } from '../../../src/envoy/import/load.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

/** A file in which tunnels go wherever they ask, as CONNECT and as POST. */
function writeProxy(): string {
  const { graph } = loadText('stages: { a: { listen: 1, proxy: { accept: post, proxy-protocol: v1 }, family: 6 } }');
  return writeBootstrap(graph);
}

const asked = { field: ':authority', names: true };

test('a dynamic forward proxy is an HTTP stage with an upstream that takes names', () => {
  const [stage] = listStages(loadEnvoy(writeProxy()).graph);
  expect(stage).toMatchObject({
    job: 'http',
    open: true,
    hosts: [{ domains: ['*'], routes: [{ match: { path: { kind: 'connect' } } }, { action: { post: true } }] }],
    upstreams: [{ name: 'a', to: asked, route: { family: 6 } }],
  });
});

test('a filter and a cluster may not describe one cache of names in two ways', () => {
  const text = writeProxy();
  expect(text.match(/dns_lookup_family: V6_ONLY/g)).toHaveLength(2);
  const { message, hints } = refusalOf(() => loadEnvoy(text.replace('dns_lookup_family: V6_ONLY', '')));
  expect(message).toMatch(/: name: the cache "[\w-]+" has the dns_lookup_family V6_ONLY elsewhere, and AUTO here$/);
  expect(hints).toEqual(['write the same, or another name']);
});

/** A file with a dynamic forward proxy in which routes have this text more. */
function writeRoutes(routes: string, filters = dynamicFilter): string {
  return `static_resources:
  listeners:
    - name: front
      address: { socket_address: { address: 127.0.0.1, port_value: 1 } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: front
                http_filters: [${filters}{ name: envoy.filters.http.router }]
                route_config: { virtual_hosts: [{ name: all, domains: ['*'], routes: [{ match: { prefix: / }, ${routes} }] }] }
  clusters:
    - name: asked
      lb_policy: CLUSTER_PROVIDED
      cluster_type: { name: dynamic, typed_config: { '@type': ${types}/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig } }
    - name: fixed
      load_assignment: { cluster_name: fixed, endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/a } } } }] }] }
`;
}

const types = 'type.googleapis.com';
const dynamicType = `${types}/envoy.extensions.filters.http.dynamic_forward_proxy.v3`;
const dynamicFilter = `{ name: dfp, typed_config: { '@type': ${dynamicType}.FilterConfig } }, `;
const perRoute = (fields: string, name = 'dfp') =>
  `typed_per_filter_config: { ${name}: { '@type': ${dynamicType}.PerRouteConfig, ${fields} } }`;

test.each([
  ['asked', 'host_rewrite_literal: "a.example:1"', { host: 'a.example:1' }],
  ['asked', 'host_rewrite_header: X-Host', { hostField: 'x-host' }],
  ['asked', 'host_rewrite_literal: ""', undefined],
  ['fixed', 'host_rewrite_literal: a.example', undefined],
])('of a route to %s the filter makes with %s the rewrite %o', (cluster, fields, rewrite) => {
  const { graph } = loadEnvoy(writeRoutes(`route: { cluster: ${cluster} }, ${perRoute(fields)}`));
  const [stage] = graph.stages;
  expect(stage?.job === 'http' && stage.hosts[0]?.routes[0]?.action).toMatchObject({ upstream: cluster });
  const action = stage?.job === 'http' ? stage.hosts[0]?.routes[0]?.action : undefined;
  expect(action?.kind === 'requests' && action.rewrite).toEqual(rewrite);
});

test('settings for a filter that does not exist have no effect, and that is said', () => {
  const text = writeRoutes(`route: { cluster: asked }, ${perRoute('host_rewrite_literal: a', 'other')}`);
  const { notices = [] } = loadEnvoy(text);
  expect(notices.map(({ message }) => message).join('\n')).toMatch(
    /^envoy\.yaml:12:\d+: there is no filter named "other": these settings have no effect, as in Envoy/m,
  );
});

test.each([
  [
    'both',
    perRoute('host_rewrite_literal: a, host_rewrite_header: b'),
    undefined,
    'host_rewrite_header does not go with',
  ],
  ['settings of the router', perRoute('', 'envoy.filters.http.router'), undefined, 'is none that takes these settings'],
  ['what is no host', perRoute('host_rewrite_literal: "a b"'), undefined, '"a b" is not a host'],
  ['another type', "typed_per_filter_config: { dfp: { '@type': x/y } }", undefined, 'unknown type "y"'],
  [
    'a filter behind the router',
    'name: x',
    `{ name: envoy.filters.http.router }, ${dynamicFilter}`,
    'nothing comes behind the router',
  ],
])('%s is refused', (_what, fields, filters, message) => {
  const text = writeRoutes(`route: { cluster: asked }, ${fields}`, filters);
  const refusal = refusalOf(() => loadEnvoy(text));
  expect([refusal.message, ...refusal.hints].join('\n')).toContain(message);
});

test.each([
  ['places of a cluster', /cluster_type:\n(?: {6}.*\n)+/, 'type: ORIGINAL_DST\n', 'needs original_dst_lb_config'],
  ['no such policy', 'lb_policy: CLUSTER_PROVIDED', '', 'a dynamic forward proxy needs lb_policy: CLUSTER_PROVIDED'],
  ['no router', /^ +- name: envoy.filters.http.router\n(?: {12}.*\n)+/m, '', 'the router is missing'],
])('a dynamic forward proxy is refused with %s', (_what, part, other, message) => {
  const text = writeProxy();
  const changed = text.replace(part, other);
  expect(changed).not.toBe(text);
  const refusal = refusalOf(() => loadEnvoy(changed));
  expect([refusal.message, ...refusal.hints].join('\n')).toContain(message);
});

test('whoever reaches an additional address is warned of too', () => {
  const address = '{ socket_address: { address: 127.0.0.1, port_value: 1 } }';
  const more = address.replace('127.0.0.1', '0.0.0.0');
  const text = writeRoutes('route: { cluster: asked }').replace(
    address,
    `${address}\n      additional_addresses: { address: ${more} }`,
  );
  const { notices = [] } = loadEnvoy(text);
  expect(notices.map(({ message }) => message).join('\n')).toContain('everybody who reaches 0.0.0.0:1 chooses where');
});

test.each([
  ['0.0.0.0', 1],
  ['127.0.0.1', 0],
])('who lets others choose where tunnels go is warned, at %s', (host, warnings) => {
  const { graph } = loadText(`stages: { a: { listen: '${host}:1', proxy: { open: true } } }`);
  const { notices = [] } = loadBootstrap(new Source(writeBootstrap(graph), 'envoy.yaml'), {
    allowUnknownFields: false,
  });
  expect(
    notices.filter(({ level, message }) => level === 'warning' && /everybody who reaches/.test(message)),
  ).toHaveLength(warnings);
});
