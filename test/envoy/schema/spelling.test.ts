import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadEnvoy, readFixture } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const names = readdirSync(new URL('../fixtures', import.meta.url)).map((file) => file.replace('.yaml', ''));

/** All fields as the other spelling of protobuf's JSON has them. */
function toCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase()),
      toCamelCase(item),
    ]),
  );
}

test.each(names)('%s.yaml is the same graph in camel case, in JSON too', (name) => {
  const text = readFixture(name);
  const { graph } = loadEnvoy(text);
  const twin = toCamelCase(parse(text));
  expect(stringify(twin)).toContain('staticResources');
  expect(loadEnvoy(stringify(twin)).graph).toEqual(graph);
  expect(loadEnvoy(JSON.stringify(twin, null, 1)).graph).toEqual(graph);
});

const base = readFixture('tcp-to-http2-post');
const write = (from: string, to: string) => {
  expect(base).toContain(from);
  return base.replace(from, to);
};

test.each([
  // Numbers as texts, enums as numbers and in small letters, booleans as texts.
  ['port_value: 10001', 'port_value: "10001"'],
  ['protocol: TCP, address: 127.0.0.1, port_value: 10000', 'protocol: 0, address: 127.0.0.1, port_value: 10000'],
  ['protocol: TCP, address: 127.0.0.1, port_value: 10000', 'protocol: tcp, address: 127.0.0.1, port_value: 10000'],
  ['use_post: true', 'use_post: "true"'],
  ['use_post: true', 'use_post: Yes'],
  ['use_post: true', 'use_post: on'],
  ['connect_timeout: 5s', 'connect_timeout: { seconds: 4, nanos: 1000000000 }'],
  ['connect_timeout: 5s', 'connect_timeout: { seconds: "5" }'],
  // A field that is null counts as absent.
  ['connect_timeout: 5s', 'connect_timeout: null'],
  ['stat_prefix: entry', 'stat_prefix: entry\n                idle_timeout:'],
  ['connect_timeout: 5s', 'connect_timeout: 5.000s'],
  // The type counts, not what stands before the slash and not the name of the filter.
  ['type.googleapis.com/envoy.extensions.filters', 'types.example/envoy.extensions.filters'],
  ['name: tcp', 'name: anything at all'],
])('%s may be written %s', (from, to) => {
  expect(loadEnvoy(write(from, to)).graph).toEqual(loadEnvoy(base).graph);
});

test('one field in two spellings is refused at the second', () => {
  const { message } = refusalOf(() =>
    loadEnvoy(write('stat_prefix: entry', 'stat_prefix: entry\n                statPrefix: entry')),
  );
  expect(message).toBe('envoy.yaml:16:17: duplicate key: "statPrefix" stands there in its other spelling');
});

test('a field that nobody knows is refused with the one that was meant, and left out where that is wanted', () => {
  const text = write('stat_prefix: entry', 'stat_prefix: entry\n                clutser: next_proxy');
  const { message, hints } = refusalOf(() => loadEnvoy(text));
  expect(message).toBe('envoy.yaml:16:17: unknown field "clutser" of TcpProxy');
  expect(hints).toEqual(['did you mean cluster?']);
  const { graph, notices } = loadEnvoy(text, true);
  expect(graph).toEqual(loadEnvoy(base).graph);
  expect(notices).toEqual([
    { event: 'notice', level: 'verbose', message: 'envoy.yaml:16:17: unknown field "clutser" of TcpProxy is left out' },
  ]);
});

test('without a near one the hint is how to leave it out', () => {
  const { hints } = refusalOf(() =>
    loadEnvoy(write('stat_prefix: entry', 'stat_prefix: entry\n                colour: red')),
  );
  expect(hints).toEqual(['to leave such fields out, give --allow-unknown-fields']);
});

test('a field of Envoy that changes what happens is refused, also where unknown ones are left out', () => {
  const text = write('stat_prefix: entry', 'stat_prefix: entry\n                weightedClusters: {}');
  const { message } = refusalOf(() => loadEnvoy(text, true));
  expect(message).toBe('envoy.yaml:16:17: weightedClusters is a field of Envoy that tunl does not run');
});

test('a field that makes no difference is accepted whatever it holds, and named', () => {
  const { graph, notices } = loadEnvoy(`node: { id: me, cluster: [] }\n${base}`);
  expect(graph).toEqual(loadEnvoy(base).graph);
  expect(notices).toEqual([
    { event: 'notice', level: 'verbose', message: 'envoy.yaml:1:1: node makes no difference here' },
  ]);
});

test('of a field that somebody may count on it is said that it has no effect', () => {
  const { notices } = loadEnvoy(write('connect_timeout: 5s', 'circuitBreakers: { thresholds: [] }'));
  expect(notices).toEqual([
    { event: 'notice', level: 'warning', message: 'envoy.yaml:22:7: circuitBreakers has no effect here' },
  ]);
});

test('a file may be indented as a whole', () => {
  const text = readFixture('tcp-through-internal-old');
  expect(loadEnvoy(text.replaceAll(/^/gm, '  ')).graph).toEqual(loadEnvoy(text).graph);
});

test('keys of maps are no fields', () => {
  const log = `
                access_log:
                - name: file
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                    path: /tmp/log
                    log_format: { json_format: { bytes_sent: "%BYTES_SENT%", bytesSent: "%BYTES_SENT%" } }`;
  const { graph } = loadEnvoy(write('stat_prefix: entry', `stat_prefix: entry${log}`));
  expect(graph.stages[0]?.accessLogs).toEqual([
    { path: '/tmp/log', format: { bytes_sent: '%BYTES_SENT%', bytesSent: '%BYTES_SENT%' } },
  ]);
});

test.each(['constructor', '__proto__', 'toString'])('a type or a field named %s is as unknown as any other', (name) => {
  const typed = base.replace('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', name);
  expect(refusalOf(() => loadEnvoy(typed)).message).toBe(`envoy.yaml:14:26: unknown type "${name}"`);
  const text = write('stat_prefix: entry', `stat_prefix: entry\n                ${name}: {}`);
  // A key that JavaScript hides is refused before anybody looks for fields.
  const why = name === '__proto__' ? `"${name}" cannot be a key` : `unknown field "${name}" of TcpProxy`;
  expect(refusalOf(() => loadEnvoy(text)).message).toContain(`16:17: ${why}`);
});
