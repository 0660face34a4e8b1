import { expect, test } from 'vitest';
import { Source } from '../../../src/chain/read/document.ts';
import { isBootstrap } from '../../../src/envoy/import/recognise.ts';
import { refusals } from '../../../src/envoy/schema/refusals.ts';
import { editFixture, loadEnvoy, readFixture } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { refusedClusters } from './refused/clusters.ts';
import { refusedChanges } from './refused/header-changes.ts';
import { refusedHttp } from './refused/http.ts';
import { refusedListeners } from './refused/listeners.ts';
import { refusedTcp } from './refused/tcp.ts';

test.each([...refusedListeners, ...refusedTcp, ...refusedClusters, ...refusedChanges, ...refusedHttp])(
  'in $file $to instead of $from is refused: $says',
  ({ file, from, to, says, because, hints = [] }) => {
    const reason = because && refusals[because];
    expect(refusalOf(() => loadEnvoy(editFixture(file, from, to)))).toEqual({
      message: `envoy.yaml:${says}${reason ? `: ${reason.why}` : ''}`,
      hints: reason ? [reason.instead] : hints,
    });
  },
);

test('what Envoy takes is refused with what runs instead', () => {
  const rows = [...refusedListeners, ...refusedTcp, ...refusedClusters, ...refusedChanges, ...refusedHttp];
  const silent = rows.filter(
    ({ envoyTakesIt, says, because, hints }) =>
      // A message about a value that nobody could run says itself what is right.
      envoyTakesIt && !because && !hints && !/ is not an? | has no group | already$/.test(says),
  );
  expect(silent.map(({ says }) => says)).toEqual([]);
});

test('all that is wrong is said at once', () => {
  const text = readFixture('pass-connect')
    .replace('cluster: next_proxy', 'cluster: nowhere')
    .replace('- upgrade_type: CONNECT', '- upgrade_type: CONNECT-UDP');
  const { message, hints } = refusalOf(() => loadEnvoy(text));
  expect([message, ...hints].join('\n')).toMatch(/no cluster "nowhere"[^]*CONNECT-UDP/);
});

test.each([
  ['static_resources: 5', '1:19: static_resources must be a StaticResources'],
  ['static_resources: { listeners: 5 }', '1:32: listeners must be a Listener'],
  ['static_resources: { listeners: [5] }', '1:33: listeners must be a Listener'],
  ['static_resources: {}', '1:19: listeners: there is no listener'],
  ['static_resources: { listeners: *a }', '1:32: nothing is named "&a"'],
  ['static_resources: {}\nstatic_resources: {}', '2:1: duplicate key "static_resources"'],
])('%s is refused at %s', (text, says) => {
  expect(refusalOf(() => loadEnvoy(text)).message).toBe(`envoy.yaml:${says}`);
});

test.each([
  'name: encap\ninternal_listener: {}\nfilter_chains: []',
  '- name: cluster_0\n  load_assignment: {}',
  'clusters:\n- name: cluster_0',
  '{ "filterChains": [] }',
])('a piece of a file of Envoy is known as one: %s', (text) => {
  expect(isBootstrap(new Source(text, 'envoy.yaml'))).toBe(true);
  expect(refusalOf(() => loadEnvoy(text))).toEqual({
    message: 'envoy.yaml:1:1: this is a piece of a file of Envoy',
    hints: ['a whole one has static_resources, with listeners and clusters in it'],
  });
});

test.each(['stages: {}', '', '[]', 'text', '5', 'constructor: 1'])('%s is no file of Envoy', (text) => {
  expect(isBootstrap(new Source(text, 'chain.yaml'))).toBe(false);
});

test('aliases that repeat too much are refused before they are read', () => {
  const lists = Array.from({ length: 9 }, (_, index) => `a${index}: &a${index} [${`*a${index - 1}, `.repeat(9)}]`);
  lists[0] = 'a0: &a0 [x, x, x, x, x, x, x, x, x]';
  const text = `${lists.join('\n')}\nstatic_resources: { listeners: *a8 }`;
  expect(refusalOf(() => loadEnvoy(text)).message).toBe('envoy.yaml has aliases that repeat too much');
});

test('an anchor may stand for what is written once', () => {
  const text = readFixture('tcp-to-http1-connect')
    .replace('tunneling_config:', 'tunneling_config: &tunnel')
    .replace(/tunneling_config:\n +hostname: 127[^]*?clusters:/, 'tunneling_config: *tunnel\n  clusters:');
  const { stages } = loadEnvoy(text).graph;
  expect(stages.map(({ to }) => to?.targets)).toEqual([
    [{ kind: 'tcp', host: 'host.com', port: 443 }],
    [{ kind: 'tcp', host: 'host.com', port: 443 }],
  ]);
});
