import { TunlError } from '../../../src/core/errors.ts';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasAbstractNames } from '../../support/abstract-names.ts';
import { editFixture, loadEnvoy, localPort, readFixture } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const read = (from: string, to: string, file = 'tcp-to-http2-post') => loadEnvoy(editFixture(file, from, to));
const place = 'socket_address: { protocol: TCP, address: 127.0.0.1, port_value: 10000 }';

test.each([
  [place, 'socket_address: { address: 0.0.0.0, port_value: 0 }', { kind: 'tcp', host: '0.0.0.0', port: 0 }],
  [place, "socket_address: { address: '::', port_value: 1 }", { kind: 'tcp', host: '::', port: 1 }],
  [place, "socket_address: { address: '::', port_value: 1, ipv4_compat: true }", { kind: 'tcp', host: '*', port: 1 }],
  [place, "socket_address: { address: '::1', port_value: 1 }", { kind: 'tcp', host: '::1', port: 1 }],
  [place, 'pipe: { path: /run/in.sock }', { kind: 'unix', path: '/run/in.sock' }],
])('%s as %s is %o', (from, to, address) => {
  expect(read(from, to).graph.stages[0]?.listen).toEqual([address]);
});

test.runIf(hasAbstractNames)('a pipe whose path begins with an at sign is no file, here and in a cluster', () => {
  const file = new URL('../../interop/envoy-files/tcp-abstract.yaml', import.meta.url);
  const [stage] = loadEnvoy(readFileSync(file, 'utf8')).graph.stages;
  expect(stage).toMatchObject({
    listen: [{ kind: 'unix', path: '\0NAME-in' }],
    to: { targets: [{ kind: 'unix', path: '\0NAME-out' }] },
  });
});

test.each([
  ["'to: host'", 'to-host'],
  ['..a..b', 'a.b'],
  ['日本', 'listener'],
  ["''", 'listener'],
])('a listener named %s is the stage %s', (name, stage) => {
  expect(read('name: to_host', `name: ${name}`, 'tcp-to-http1-connect').graph.stages[0]?.name).toBe(stage);
});

test('names that would be the same become different, and messages know where they are', () => {
  const text = readFixture('tcp-to-http1-connect')
    .replace('name: to_host', 'name: a b')
    .replace('name: to_address', 'name: a/b');
  const { graph, blame } = loadEnvoy(text);
  expect(graph.stages.map(({ name }) => name)).toEqual(['a-b', 'a-b-2']);
  const placeOf = (stage: string) => blame(new TunlError('usage', 'it fails'), stage).message;
  expect([placeOf('a-b'), placeOf('a-b-2')]).toEqual(['envoy.yaml:7:7: it fails', 'envoy.yaml:19:7: it fails']);
});

test('an internal listener keeps its connection with those that lead to it, whatever its name', () => {
  const text = readFixture('tcp-through-internal').replaceAll(
    /(name: )encap$|(server_listener_name: )encap/gm,
    '$1$2en/cap',
  );
  const { stages } = loadEnvoy(text).graph;
  expect(stages[0]?.to).toEqual({ targets: stages[1]?.listen, balance: 'first' });
});

test('listeners without names are told apart', () => {
  const { graph } = loadEnvoy(
    readFixture('tcp-to-http1-connect').replaceAll(/- name: to_\w+\n {6}address/g, '- address'),
  );
  expect(graph.stages.map(({ name }) => name)).toEqual(['listener', 'listener-2']);
});

test('an internal listener that nothing leads to is left out, and that is said', () => {
  const { graph, notices } = read('cluster: inside', 'cluster: server', 'tcp-through-internal');
  expect(graph.stages.map(({ name }) => name)).toEqual(['ingress']);
  expect(notices?.map(({ level, message }) => [level, message])).toContainEqual([
    'warning',
    'envoy.yaml:22:7: nothing leads to encap: it is left out',
  ]);
});

test('default_filter_chain alone is the chain', () => {
  const text = readFixture('tcp-to-http2-post').replace(
    /filter_chains:\n {8}- filters:/,
    'default_filter_chain:\n          filters:',
  );
  expect(loadEnvoy(text).graph).toEqual(loadEnvoy(readFixture('tcp-to-http2-post')).graph);
});

test('filters that only look at what comes make no difference, nor does a chain for everything', () => {
  const type = "'@type': type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
  const inspector = `listener_filters: [{ name: tls, typed_config: { ${type} } }]\n      filter_chains:`;
  const { graph } = loadEnvoy(readFixture('tcp-to-http2-post'));
  expect(read('filter_chains:', inspector).graph).toEqual(graph);
  expect(read('- filters:', '- filter_chain_match: {}\n          filters:').graph).toEqual(graph);
});

test('the admin address is where Envoy has it, and it is said when others can reach that', () => {
  expect(read('port_value: 9903', 'port_value: 1').graph.admin).toEqual(localPort(1));
  const { graph, notices } = read('address: 127.0.0.1, port_value: 9903', 'address: 0.0.0.0, port_value: 9903');
  expect(graph).toMatchObject({ admin: { host: '0.0.0.0' }, adminOpen: true });
  expect(notices?.map(({ level }) => level)).toEqual(['warning']);
});

test('without an admin address there is none', () => {
  expect(loadEnvoy(readFixture('seed-internal')).graph).not.toHaveProperty('admin');
});

test.each([
  ['{ level: 1, name: 9, int_value: 1 }', []],
  ['{ level: 6, name: 1, int_value: 1, state: STATE_LISTENING }', []],
  ['{ level: 1, name: 15, int_value: 1 }', ['SO_REUSEPORT makes no difference here: no other process']],
  ['{ level: 6, name: 5, int_value: 7 }', ['TCP_KEEPINTVL makes no difference here: the system decides']],
])('the socket option %s changes nothing', (option, says) => {
  const { graph, notices } = read('filter_chains:', `socket_options: [${option}]\n      filter_chains:`);
  expect(graph).toEqual(loadEnvoy(readFixture('tcp-to-http2-post')).graph);
  expect(notices?.map((notice) => notice.message)).toEqual(says.map((text) => expect.stringContaining(text)));
});

test.each([
  ['round_robin.v3.RoundRobin', []],
  ['least_request.v3.LeastRequest', ['LeastRequest: each endpoint is taken in turn here']],
  ['random.v3.Random', ['Random: each endpoint is taken in turn here']],
])('the policy %s counts, whatever lb_policy says', (type, says) => {
  const config = `{ '@type': type.googleapis.com/envoy.extensions.load_balancing_policies.${type} }`;
  const policy = `{ policies: [ { typed_extension_config: { name: a, typed_config: ${config} } } ] }`;
  const fields = ['connect_timeout: 5s', 'lb_policy: LOAD_BALANCING_POLICY_CONFIG', `load_balancing_policy: ${policy}`];
  const { graph, notices } = read('connect_timeout: 5s', fields.join('\n      '));
  expect(graph).toEqual(loadEnvoy(readFixture('tcp-to-http2-post')).graph);
  expect(notices?.map((notice) => notice.message)).toEqual(says.map((text) => expect.stringContaining(text)));
});

test('a policy for a cluster whose requests name the endpoint is refused', () => {
  const config = `{ '@type': type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random }`;
  const policy = `{ policies: [ { typed_extension_config: { name: a, typed_config: ${config} } } ] }`;
  const { message, hints } = refusalOf(() =>
    read(
      'lb_policy: CLUSTER_PROVIDED',
      `lb_policy: CLUSTER_PROVIDED\n      load_balancing_policy: ${policy}`,
      'end-http1-connect',
    ),
  );
  expect(message).toContain('load_balancing_policy chooses among endpoints, and requests name the endpoint');
  expect(hints).toEqual(['write lb_policy: CLUSTER_PROVIDED alone']);
});
