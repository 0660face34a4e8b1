import { expect, test } from 'vitest';
import { type ForwardStage, listStages } from '../../../src/chain/model/graph.ts';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import {
  editFixture,
  envoyHop,
  loadEnvoy,
  localPort,
  readCorpus,
  readFixture,
} from '../../support/graphs/envoy-file.ts';

/** The stage of a file with one TcpProxy, with one piece of it put otherwise. */
function read(from: string, to: string, file = 'tcp-to-http2-post'): ForwardStage {
  const [stage] = listStages(loadEnvoy(editFixture(file, from, to)).graph);
  if (stage?.job !== 'forward') throw new Error('the first stage does not forward');
  return stage;
}

/** A field behind another one of the same indentation. */
const add = (field: string): [string, string] => ['stat_prefix: entry', `stat_prefix: entry\n                ${field}`];

test('of a TcpProxy with tunnels the cluster is the proxy and hostname the target', () => {
  expect(read('use_post: true', 'use_post: false')).toMatchObject({
    to: { targets: [{ kind: 'tcp', host: 'host.com', port: 443 }] },
    route: { hops: [[envoyHop('h2c', 10001)]] },
  });
});

test('a proxy may be on a Unix socket', () => {
  const place = 'socket_address: { address: 127.0.0.1, port_value: 10001 }';
  const [[hop] = []] = read(place, 'pipe: { path: /run/proxy }').route.hops;
  expect(hop?.address).toEqual({ kind: 'unix', path: '/run/proxy' });
});

test.each([
  ['http2_protocol_options: {}', 'http_protocol_options: {}', 'post+http', {}],
  ['use_post: true', 'use_post: true\n                  post_path: /tunnel', 'post+h2c', { path: '/tunnel' }],
  ['use_post: true', 'use_post: true\n                  post_path: /', 'post+h2c', {}],
])('%s as %s is %s with %o', (from, to, scheme, settings) => {
  expect(read(from, to).route.hops).toEqual([[envoyHop(scheme, 10001, { settings })]]);
});

test.each([
  ['idle_timeout: 5s', { idleMs: 5000 }],
  ['idle_timeout: 0s', { idleMs: 0 }],
  ['idle_timeout: 0.0000001s', { idleMs: 1 }],
  ['idle_timeout: 99999999s', { idleMs: 2 ** 31 - 1 }],
  ['max_downstream_connection_duration: 1.5s', { lifetimeMs: 1500 }],
])('%s is the limit %o', (field, limits) => {
  expect(read(...add(field)).route.limits).toMatchObject(limits);
});

test('listeners with the same way to the same cluster share it, and with it the session', () => {
  const header = 'headers_to_add:\n                    - header: { key: foo, value: bar }';
  const routes = (text: string) => loadEnvoy(text).graph.stages.map(({ route }) => route);
  expect(routes(editFixture('tcp-to-http1-connect', header, ''))).toEqual(['to_host', 'to_host']);
  expect(routes(readFixture('tcp-to-http1-connect'))).toEqual(['to_host', 'to_address']);
});

test('an internal listener has no limit for idle tunnels but its own', () => {
  const read = (text: string) => listStages(loadEnvoy(text).graph)[1]?.route.limits.idleMs;
  expect(read(editFixture('tcp-through-internal', 'stat_prefix: encap', 'stat_prefix: e'))).toBe(0);
  const own = 'stat_prefix: encap\n                idle_timeout: 7s';
  expect(read(editFixture('tcp-through-internal', 'stat_prefix: encap', own))).toBe(7000);
});

test.each([
  ['max_connect_attempts: 1', {}],
  ['max_connect_attempts: 3', { retries: 2, retryOn: 'any' }],
  [
    'max_connect_attempts: "3"\n                backoff_options: { base_interval: 0.1s }',
    { retries: 2, retryOn: 'any', backOff: { baseMs: 100, maxMs: 1000 } },
  ],
  [
    'max_connect_attempts: 2\n                backoff_options: { base_interval: 0.1s, max_interval: 0.3s }',
    { retries: 1, retryOn: 'any', backOff: { baseMs: 100, maxMs: 300 } },
  ],
])('%s is %o', (field, retries) => {
  const { hops: _hops, limits: _limits, ...route } = read(...add(field)).route;
  expect(route).toEqual(retries);
});

test.each([
  ['{ header: { key: Foo, value: bar } }', { headers: [['foo', 'bar']] }],
  ['{ header: { key: foo } }', { headers: [['foo', '']] }],
  [
    '{ header: { key: a, value: 1 } }, { header: { key: a, value: 2 } }'.replaceAll(/: (\d)/g, ": '$1'"),
    {
      headers: [
        ['a', '1'],
        ['a', '2'],
      ],
    },
  ],
  [
    '{ header: { key: a, value: x } }, { header: { key: a, value: y }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }',
    { headers: [['a', 'y']] },
  ],
  ['{ header: { key: a, value: x } }, { header: { key: a, value: y }, append: false }', { headers: [['a', 'y']] }],
  [
    '{ header: { key: a, value: x } }, { header: { key: a, value: y }, append_action: ADD_IF_ABSENT }',
    { headers: [['a', 'x']] },
  ],
  ['{ header: { key: a, value: y }, append_action: OVERWRITE_IF_EXISTS }', { headers: [] }],
  [
    "{ header: { key: a, value: '%PROTOCOL%' } }, { header: { key: b, value: x } }",
    { headers: [['b', 'x']], formats: [['a', '%PROTOCOL%']] },
  ],
])('headers_to_add: [%s] become %o', (words, fields) => {
  const { route } = read('use_post: true', `headers_to_add: [${words}]`);
  expect(route.hops).toEqual([[envoyHop('h2c', 10001, { headers: [], ...(fields as object) })]]);
});

const second = (priority: string) =>
  `- lb_endpoints:\n              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 2 } } }\n            ${priority}\n          - lb_endpoints:`;

test('endpoints of one priority are taken in turn, those of several one after the other', () => {
  const inTurn = read('- lb_endpoints:', second('locality: {}'));
  expect(inTurn.route.hops).toEqual([[envoyHop('post+h2c', 2), envoyHop('post+h2c', 10001)]]);
  expect(inTurn.route.hopBalance).toBe('round-robin');
  const ranked = read('- lb_endpoints:', second('priority: 1'));
  expect(ranked.route.hops).toEqual([[envoyHop('post+h2c', 10001), envoyHop('post+h2c', 2)]]);
  expect(ranked.route.hopBalance).toBeUndefined();
});

test('without tunnels the endpoints are the targets', () => {
  const { to, route } = read(
    'cluster_name: server\n        endpoints:\n',
    'cluster_name: server\n        endpoints:\n          - lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/db } } } }]\n',
    'tcp-through-internal',
  );
  expect([to.targets, route.hops]).toEqual([[{ kind: 'internal', name: 'encap' }], []]);
  const inner = listStages(
    loadEnvoy(
      editFixture(
        'tcp-through-internal',
        'cluster_name: server\n        endpoints:\n',
        'cluster_name: server\n        endpoints:\n          - lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/db } } } }]\n',
      ),
    ).graph,
  )[1];
  expect(inner?.to).toEqual({ targets: [{ kind: 'unix', path: '/run/db' }, localPort(10000)], balance: 'round-robin' });
});

test('a proxy behind an internal listener is reached through that, under the name that its endpoint_id gives', () => {
  const text = editFixture(
    'tcp-through-internal',
    'cluster: inside',
    'cluster: inside\n                tunneling_config: { hostname: "db:5432" }',
  );
  const [named] = listStages(loadEnvoy(text.replace('endpoint_id: only', 'endpoint_id: "proxy.corp:3128"')).graph);
  expect(named?.route.entry).toEqual({ kind: 'internal', name: 'encap' });
  expect(named?.route.hops[0]?.[0]?.address).toEqual({ kind: 'tcp', host: 'proxy.corp', port: 3128 });
  const [other] = listStages(loadEnvoy(text).graph);
  expect(other?.route.hops[0]?.[0]?.address).toEqual({ kind: 'tcp', host: 'encap', port: 80 });
});

test.each([
  ['type: STRICT_DNS', undefined],
  ['type: LOGICAL_DNS\n      dns_lookup_family: V4_ONLY', 4],
  ['type: 1\n      dns_lookup_family: V6_ONLY', 6],
  ['type: STRICT_DNS\n      dns_lookup_family: ALL', undefined],
])('%s has names, and the family %s', (words, family) => {
  const text = editFixture('tcp-to-http2-post', 'connect_timeout: 5s', words);
  const [stage] = listStages(
    loadEnvoy(text.replace('address: 127.0.0.1, port_value: 10001', 'address: Proxy.Example, port_value: 1')).graph,
  );
  expect(stage?.route.hops[0]?.[0]?.address).toEqual({ kind: 'tcp', host: 'proxy.example', port: 1 });
  expect(stage?.route.family).toBe(family);
});

const logs = (type: string, fields: string) =>
  add(
    `access_log: [{ name: a, typed_config: { '@type': type.googleapis.com/envoy.extensions.access_loggers.${type}, ${fields} } }]`,
  );

test.each([
  ['file.v3.FileAccessLog', 'path: /tmp/log', { path: '/tmp/log' }],
  ['file.v3.FileAccessLog', "path: /tmp/log, format: '%DURATION%'", { path: '/tmp/log', format: '%DURATION%' }],
  [
    'file.v3.FileAccessLog',
    "path: /tmp/log, json_format: { ms: '%DURATION%' }",
    { path: '/tmp/log', format: { ms: '%DURATION%' } },
  ],
  [
    'file.v3.FileAccessLog',
    'path: /tmp/log, log_format: { text_format_source: { inline_string: x } }',
    { path: '/tmp/log', format: 'x' },
  ],
  ['file.v3.FileAccessLog', 'path: /tmp/log, log_format: { text_format: x }', { path: '/tmp/log', format: 'x' }],
  ['stream.v3.StdoutAccessLog', 'log_format: { json_format: { a: b } }', { path: '/dev/stdout', format: { a: 'b' } }],
  ['stream.v3.StderrAccessLog', '', { path: '/dev/stderr' }],
])('a log of the type %s with %s is %o', (type, fields, log) => {
  expect(read(...logs(type, fields)).accessLogs).toEqual([log]);
});

test.each([
  ['the answer', 'encapsulate-answers', 'headers'],
  ['the trailers', 'encapsulate-trailers', 'trailers'],
])(
  'where a log has %s of a proxy, Envoy is asked to keep it, and a file that does not is warned of',
  (_, file, what) => {
    const flag = `propagate_response_${what}`;
    const text = readCorpus(file);
    const { graph, sources, notices } = loadEnvoy(text);
    expect(notices).toEqual([]);
    const written = writeBootstrap(graph, sources);
    expect(written.match(/propagate_response_\w+: true/g)).toEqual([`${flag}: true`, `${flag}: true`]);
    const silent = loadEnvoy(text.replace(`, ${flag}: true`, ''));
    expect(silent.notices).toMatchObject([{ level: 'warning', message: expect.stringContaining(`with ${flag} only`) }]);
  },
);
