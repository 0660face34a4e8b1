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

const post = /^ +- match: \{ prefix: .*\n(?: {16}.*\n)+/m;

test('a dynamic forward proxy that ends tunnels is a proxy', () => {
  const [stage] = listStages(loadEnvoy(writeProxy()).graph);
  expect(stage).toMatchObject({
    job: 'proxy',
    accept: ['post'],
    open: true,
    proxyProtocol: 'v1',
    statuses: 'envoy',
    route: { family: 6 },
  });
  const [other] = loadEnvoy(writeProxy().replace(post, '')).graph.stages;
  expect(other).toMatchObject({ job: 'proxy', accept: [] });
});

test('one that forwards requests too takes plain ones, and says what differs', () => {
  const text = writeProxy().replace(post, (route) => {
    const [, indent = ''] = /^( +)/.exec(route) ?? [];
    return `${route}${indent}- match: { prefix: / }\n${indent}  route: { cluster: a }\n`;
  });
  const { graph, notices = [] } = loadBootstrap(new Source(text, 'envoy.yaml'), { allowUnknownFields: false });
  expect(listStages(graph)).toMatchObject([{ job: 'proxy', accept: ['post', 'plain'] }]);
  const warnings = notices.filter(({ level }) => level === 'warning').map(({ message }) => message);
  expect(warnings).toEqual([expect.stringContaining('only requests in absolute form are forwarded')]);
});

const tooMuch = 'with the filter dynamic_forward_proxy tunl is a proxy for tunnels and plain requests, and no more';

test.each([
  ['other requests', 'connect_matcher: {}', 'prefix: /', tooMuch],
  ['some hosts', 'domains: [ "*" ]', 'domains: [ a.example ]', tooMuch],
  ['one version of HTTP', 'codec_type: AUTO', 'codec_type: HTTP2', tooMuch],
  ['tunnels that differ', /( +)timeout: 0s\n/, '$1timeout: 0s\n$1idle_timeout: 5s\n', tooMuch],
  [
    'a cluster without the filter',
    /^ +- name: envoy.filters.http.dynamic_forward_proxy\n(?: {12}.*\n)+/m,
    '',
    'a goes where requests ask',
  ],
  ['places of a cluster', /cluster_type:\n(?: {6}.*\n)+/, 'type: ORIGINAL_DST\n', 'a has places of its own'],
  ['no such policy', 'lb_policy: CLUSTER_PROVIDED', '', 'a dynamic forward proxy needs lb_policy: CLUSTER_PROVIDED'],
])('a dynamic forward proxy is refused with %s', (_what, part, other, message) => {
  const text = writeProxy();
  const changed = text.replace(part, other);
  expect(changed).not.toBe(text);
  const refusal = refusalOf(() => loadEnvoy(changed));
  expect([refusal.message, ...refusal.hints].join('\n')).toContain(message);
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
