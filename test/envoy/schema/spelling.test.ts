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

/** Each list with one item as the item alone, which protobuf's reader takes too. */
function unwrapLists(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length === 1 && !Array.isArray(value[0]) ? unwrapLists(value[0]) : value.map(unwrapLists);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrapLists(item)]));
}

/** Each message with a type as a struct that describes it. */
function toTypedStructs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toTypedStructs);
  if (typeof value !== 'object' || value === null) return value;
  const { '@type': url, ...fields } = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, toTypedStructs(item)]),
  );
  if (url === undefined) return fields;
  const isEmpty = Object.keys(fields).length === 0;
  return { '@type': 'type.googleapis.com/xds.type.v3.TypedStruct', type_url: url, ...(!isEmpty && { value: fields }) };
}

test.each(names)('%s.yaml is the same graph with single values in the place of lists, and with structs', (name) => {
  const text = readFixture(name);
  const { graph } = loadEnvoy(text);
  for (const change of [
    unwrapLists,
    toTypedStructs,
    (tree: unknown) => unwrapLists(toCamelCase(toTypedStructs(tree))),
  ]) {
    const twin = stringify(change(parse(text)), { aliasDuplicateObjects: false });
    expect(twin).not.toBe(stringify(parse(text)));
    expect(loadEnvoy(twin).graph).toEqual(graph);
  }
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

/** Returns the refusal of a file whose filter is a struct with these lines. */
function refuseStruct(lines: readonly string[]): string {
  const struct = `- name: tcp
              typed_config:
                '@type': type.googleapis.com/xds.type.v3.TypedStruct
                ${lines.join('\n                ')}
`;
  const text = base.replace(/- name: tcp\n[^]*?(?= {2}clusters:)/, struct);
  return refusalOf(() => loadEnvoy(text)).message;
}

test.each([
  ['clutser: 5', '17:19: unknown field "clutser" of TcpProxy'],
  ['weighted_clusters: {}', '17:19: weighted_clusters is a field of Envoy that tunl does not run'],
  ['access_log: { name: 5 }', '17:31: typed_config is missing'],
  [
    'access_log: { filter: { traceable_filter: {} } }',
    '17:43: traceable_filter is a field of Envoy that tunl does not run',
  ],
])('%s in a struct is refused at its place', (field, says) => {
  const url = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  const fields = [field, 'stat_prefix: entry', 'cluster: next_proxy'].map((line) => `  ${line}`);
  expect(refuseStruct([`type_url: ${url}`, 'value:', ...fields])).toContain(`envoy.yaml:${says}`);
});

test.each([
  ['type_url: 5', '14:17: typed_config: a TypedStruct must have a type_url'],
  ['type_url: x/y', '15:27: type_url: unknown type "y"'],
  ['value: 5', '14:17: typed_config: the value of a TypedStruct must be a message'],
  ['values: {}', '14:17: typed_config: unknown field "values" of TypedStruct'],
])('a struct with %s is refused', (field, says) => {
  expect(refuseStruct([field])).toContain(`envoy.yaml:${says}`);
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
  expect(message).toContain('envoy.yaml:16:17: weightedClusters is a field of Envoy that tunl does not run: ');
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
  expect(refusalOf(() => loadEnvoy(typed)).message).toBe(`envoy.yaml:14:26: @type: unknown type "${name}"`);
  const text = write('stat_prefix: entry', `stat_prefix: entry\n                ${name}: {}`);
  // A key that JavaScript hides is refused before anybody looks for fields.
  const why = name === '__proto__' ? `"${name}" cannot be a key` : `unknown field "${name}" of TcpProxy`;
  expect(refusalOf(() => loadEnvoy(text)).message).toContain(`16:17: ${why}`);
});
