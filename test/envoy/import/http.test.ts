import { expect, test } from 'vitest';
import { type HttpStage, listStages } from '../../../src/chain/model/graph.ts';
import { editFixture, loadEnvoy, readFixture } from '../../support/graphs/envoy-file.ts';

function load(text: string): HttpStage {
  const [stage] = listStages(loadEnvoy(text).graph);
  if (stage?.job !== 'http') throw new Error('the first stage is none of HTTP');
  return stage;
}

const read = (from: string, to: string, file = 'pass-connect') => load(editFixture(file, from, to));
const routesOf = ({ hosts }: HttpStage) => hosts.flatMap(({ routes }) => routes);

/** The match of the first route, written with other words. */
const match = (words: string) => routesOf(read('connect_matcher: {}', words))[0]?.match;
const inMatch = '\n                            ';
const field = (words: string) => match(`prefix: /${inMatch}headers: [{ name: X-A, ${words} }]`)?.fields[0];

test.each([
  ['connect_matcher: {}', { kind: 'connect' }],
  ['prefix: /a', { kind: 'prefix', value: '/a' }],
  ["prefix: ''", { kind: 'prefix', value: '' }],
  ['path: /a', { kind: 'exact', value: '/a' }],
])('%s is the path %o', (words, path) => {
  expect(match(words)).toEqual({ path, fields: [] });
});

test.each([
  ['exact_match: b', { value: { kind: 'exact', value: 'b' } }],
  ['prefix_match: b', { value: { kind: 'prefix', value: 'b' } }],
  ['suffix_match: b', { value: { kind: 'suffix', value: 'b' } }],
  ['contains_match: b', { value: { kind: 'contains', value: 'b' } }],
  ['string_match: { exact: b }', { value: { kind: 'exact', value: 'b' } }],
  ["string_match: { exact: '' }", { value: { kind: 'exact', value: '' } }],
  ['string_match: { prefix: b, ignore_case: false }', { value: { kind: 'prefix', value: 'b' } }],
  ['string_match: { suffix: b }, invert_match: true', { value: { kind: 'suffix', value: 'b' }, invert: true }],
  ['string_match: { contains: b }', { value: { kind: 'contains', value: 'b' } }],
  ['present_match: true', {}],
  ['invert_match: false', {}],
  ['present_match: false', { invert: true }],
  ['present_match: true, invert_match: true', { invert: true }],
  ['present_match: false, invert_match: true', {}],
])('a field with %s is %o', (words, expected) => {
  expect(field(words)).toEqual({ name: 'x-a', ...expected });
});

test.each([
  ['codec_type: HTTP1', 'http1'],
  ['codec_type: 2', 'http2'],
  ['server_name: x', 'auto'],
])('%s is the codec %s', (words, codec) => {
  expect(read('codec_type: AUTO', words).codec).toBe(codec);
});

/** Envoy's table: the setting of the filter, that of the route, and whether CONNECT goes on. */
test.each([
  [undefined, undefined, false],
  [true, undefined, true],
  [false, undefined, false],
  [undefined, true, true],
  [undefined, false, false],
  [true, true, true],
  [true, false, false],
  [false, true, true],
  [false, false, false],
])('where the filter says %s and the route %s, CONNECT is served: %s', (manager, route, isServed) => {
  const write = (enabled: boolean | undefined) =>
    enabled === undefined ? '[]' : `[{ upgrade_type: CONNECT, enabled: ${enabled} }]`;
  const text = readFixture('pass-connect')
    .replace(/upgrade_configs:\n +- upgrade_type: CONNECT/, `upgrade_configs: ${write(manager)}`)
    .replace('cluster: next_proxy', `cluster: next_proxy${inMatch}upgrade_configs: ${write(route)}`);
  expect(routesOf(load(text))[0]?.action).toMatchObject({ kind: 'requests', upgrades: isServed ? ['connect'] : [] });
});

test('tunnels that are switched off are refused and not passed on', () => {
  const stage = read(
    'connect_config: {}',
    'connect_config: {}\n                                enabled: false',
    'end-http2-connect',
  );
  expect(routesOf(stage)[0]?.action).toMatchObject({ kind: 'requests', upgrades: [] });
});

test.each([
  ['{ allow_post: true }', { post: true }],
  ['{ proxy_protocol_config: {} }', { proxyProtocol: 'v1' }],
  ['{ proxy_protocol_config: { version: V2 } }', { proxyProtocol: 'v2' }],
])('connect_config %s is %o', (config, expected) => {
  const stage = read('connect_config: {}', `connect_config: ${config}`, 'end-http2-connect');
  expect(routesOf(stage)[0]?.action).toEqual({ kind: 'tunnels', upstream: 'server', post: false, ...expected });
});

test('of the requests for a path only those that are POST are tunnels', () => {
  const stage = load(
    readFixture('end-http2-post').replace(/headers:\n +- name: ':method'\n +string_match: \{ exact: POST \}\n/, '\n'),
  );
  const kinds = routesOf(stage).map(({ match: { fields }, action }) => [fields.map(({ name }) => name), action.kind]);
  expect(kinds).toEqual([
    [[':method'], 'tunnels'],
    [[], 'requests'],
  ]);
});

test('limits that nobody wrote end no tunnel, and those that are written do', () => {
  const action = (words: string) =>
    routesOf(read('cluster: next_proxy', `cluster: next_proxy${inMatch}${words}`))[0]?.action;
  expect(action('timeout: 3s')).toMatchObject({ timeoutMs: 3000 });
  expect(action('timeout: 0s')).toMatchObject({ timeoutMs: 0 });
  expect(action('timeout: 3s')).not.toHaveProperty('idleMs');
  expect(action('idle_timeout: 9s')).toMatchObject({ timeoutMs: 15_000, idleMs: 9000 });
  expect(action('max_stream_duration: { max_stream_duration: 0s }')).toMatchObject({ lifetimeMs: 0 });
  expect(action('max_stream_duration: {}')).not.toHaveProperty('lifetimeMs');
  const { route } = read('codec_type: AUTO', 'stream_idle_timeout: 60s');
  expect(route.limits.idleMs).toBe(60_000);
  const lifetime = read('codec_type: AUTO', 'common_http_protocol_options: { max_stream_duration: 5s }');
  expect(lifetime.route.limits.lifetimeMs).toBe(5000);
});

test('a cluster that a field names is a route for each cluster, and an answer', () => {
  const byField = (more = '') =>
    routesOf(read('cluster: next_proxy', `cluster_header: X-To${inMatch}${more || 'timeout: 1s'}`));
  const [first, last, ...rest] = byField('cluster_not_found_response_code: NOT_FOUND').filter(
    ({ match }) => match.path.kind === 'connect',
  );
  expect(rest).toEqual([]);
  expect(first?.match.fields).toContainEqual({ name: 'x-to', value: { kind: 'exact', value: 'next_proxy' } });
  expect(last).toMatchObject({ match: { fields: [] }, action: { kind: 'answer', status: 404 } });
  expect(byField().at(-1)?.action).toMatchObject({ status: 503 });
  expect(() => byField('cluster: next_proxy')).toThrow(/cluster or cluster_header/);
});

test('an idle limit of the filter is that of requests too', () => {
  const stage = read(
    'stat_prefix: http',
    'stat_prefix: http\n                stream_idle_timeout: 4s',
    'http-in-http2-connect',
  );
  expect(stage.route.limits.idleMs).toBe(4000);
  expect(routesOf(stage)[0]?.action).not.toHaveProperty('idleMs');
});

test('domains are compared in small letters, and hosts of requests without the ports that are cut off', () => {
  const { hosts } = load(editFixture('pass-connect', "domains: ['*']", 'domains: [A.example, "b.example:1"]'));
  expect(hosts[0]?.domains).toEqual(['a.example', 'b.example:1']);
  const stripped = (option: string) => read('codec_type: AUTO', option, 'pass-connect').stripPort;
  expect(stripped('strip_any_host_port: true')).toBe('any');
  expect(stripped('strip_matching_host_port: true')).toBe('reached');
  expect(stripped('strip_any_host_port: false')).toBeUndefined();
});

test('routes that lead to one cluster share an upstream', () => {
  const stage = read('cluster: as_asked', 'cluster: server', 'end-http1-connect');
  expect(stage.upstreams.map(({ name }) => name)).toEqual(['server']);
});

test('an ORIGINAL_DST cluster takes what a field says, by default that of Envoy', () => {
  const stage = read("\n        http_header_name: ':authority'", '', 'end-http1-connect');
  expect(stage.upstreams[0]?.to).toEqual({ field: 'x-envoy-original-dst-host' });
});

test('an answer may be without a body', () => {
  const stage = listStages(
    loadEnvoy(editFixture('end-http-in-http2-connect', 'body:', 'body: ~ #')).graph,
  )[1] as HttpStage;
  expect(routesOf(stage)[0]?.action).toEqual({ kind: 'answer', status: 200 });
});
