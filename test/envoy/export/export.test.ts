import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { toEnvoyGraph } from '../../../src/envoy/export/normal/graph.ts';
import { FieldWriter } from '../../../src/envoy/export/fields.ts';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { makeEnvoyGraphs, writeFields } from '../../support/graphs/envoy-graphs.ts';
import { toPlain } from '../../../src/chain/model/graph.ts';
import { toGraph } from '../../support/graphs/graphs.ts';

const graphs = makeEnvoyGraphs({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: '/etc/ca.pem' });

/** Exports the stages of a file. */
function exportText(stages: string): string {
  const { graph, sources } = loadText(`stages:\n${stages}`, { P: 'secret-of-ours' });
  return writeBootstrap(graph, sources);
}

/** As much of a file as is looked at. */
interface Bootstrap {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly name: string;
      readonly filter_chains: readonly {
        readonly filters: readonly { readonly typed_config: { readonly cluster: string } }[];
      }[];
    }[];
    readonly clusters: readonly { readonly name: string }[];
  };
}

test('a port that leads into a stage that leads into a tunnel is two listeners and two clusters', async () => {
  const text = exportText(`  ingress: { listen: 10000, to: internal://encap }
  encap: { via: 'h2c://127.0.0.1:10001', to: 'host.com:443' }
`);
  await expect(text).toMatchFileSnapshot('../../golden/export-seed.yaml');
});

test('hops behind the first go through stages that are named after them', async () => {
  const text = exportText(`  a: { listen: 1, via: ['http://p:1', 'h2://q:2', 'https://r:3'], to: 'host.com:443' }
`);
  await expect(text).toMatchFileSnapshot('../../golden/export-hops.yaml');
});

test('a proxy on a Unix socket is a pipe', () => {
  const text = exportText(`  a: { listen: 1, via: 'h2c://unix:/run/proxy.sock', to: 'host.com:443' }
`);
  expect(text).toContain('address: { pipe: { path: /run/proxy.sock } }');
});

test('a listener on localhost is one on 127.0.0.1, and the file says so', () => {
  const text = exportText(`  a: { listen: 'localhost:1', via: 'http://p:1', to: 'host.com:443' }
`);
  expect(text).toMatch(/^# a listens on 127\.0\.0\.1 alone; for ::1 give it another listener\n/);
  expect(text).toContain('address: { socket_address: { address: 127.0.0.1, port_value: 1 } }');
});

test('no secret is written, and each is named above', () => {
  const text = exportText(`  a:
    listen: 1
    via: { url: 'http://me:\${P}@p:1', headers: { X-Key: 'k-\${P}-$\${P}', X-Plain: '100% 5' } }
    to: host.com:443
  b: { listen: 2, via: 'post+http://me:\${P}@p:1', to: host.com:443 }
`);
  expect(text).not.toContain('secret-of-ours');
  expect(text).toMatch(/^# set TUNL_PROXY_BASIC for Envoy to USER:PASSWORD in base64\n# set TUNL_PROXY_BASIC_2 /);
  const fields: string[] = [];
  JSON.stringify(parse(text), (_key, value: { header?: { key: string; value: string } } | undefined) => {
    if (value?.header) fields.push(`${value.header.key}: ${value.header.value}`);
    return value;
  });
  expect(fields).toEqual([
    'proxy-authorization: Basic %ENVIRONMENT(TUNL_PROXY_BASIC)%',
    'x-key: k-%ENVIRONMENT(P)%-${P}',
    'x-plain: 100%% 5',
    'authorization: Basic %ENVIRONMENT(TUNL_PROXY_BASIC_2)%',
  ]);
});

test('a field that no file has written is asked of the environment', () => {
  const { graph } = loadText(
    'stages: { a: { listen: 1, via: { url: "http://p:1", headers: { X-A: b } }, to: "c:1" } }',
  );
  const text = writeBootstrap(graph);
  expect(text).toMatch(/^# set TUNL_PROXY_HEADER for Envoy to the value of X-A\n/);
  expect(text).toContain('key: x-a, value: "%ENVIRONMENT(TUNL_PROXY_HEADER)%"');
});

test('stages with the same way out share a cluster, and with it their sessions', () => {
  const via = "via: 'h2c://p:1', to: 'd:1'";
  const text = exportText(`  a: { listen: 1, ${via} }
  b: { listen: 2, ${via} }
  c: { listen: 3, ${via}, limits: { connect: 1s } }
`);
  const { listeners, clusters } = (parse(text) as Bootstrap).static_resources;
  expect(clusters.map(({ name }) => name)).toEqual(['a', 'c']);
  const used = listeners.map(({ filter_chains: [chain] }) => chain?.filters[0]?.typed_config.cluster);
  expect(used).toEqual(['a', 'a', 'c']);
});

test('all clusters that take names find them where the filter has looked them up', () => {
  const { graph } = loadText(`stages:
  a:
    listen: 1
    http:
      routes: [{ prefix: /s, to: secured }, { to: plain }]
      upstreams:
        secured: { to: 'field::authority', names: true, tls: true }
        plain: { to: 'field::authority', names: true }
`);
  const caches = writeBootstrap(graph).match(/dns_cache_config: .*/g) ?? [];
  expect(caches).toHaveLength(3);
  expect(new Set(caches)).toEqual(new Set(['dns_cache_config: { name: names, dns_lookup_family: ALL }']));
});

test('stages that come of others take no name that is there already', () => {
  const text =
    exportText(`  a: { listen: [1, internal://a, internal://c], via: ['http://p:1', 'http://q:1'], to: 'd:1' }
  a.hop1: { listen: [2, internal://x], to: internal://a }
  c: { listen: 3, to: internal://c }
  e: { listen: 4, to: internal://x }
`);
  const { static_resources: resources } = parse(text) as Bootstrap;
  const names = resources.listeners.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(expect.arrayContaining(['a', 'a-2', 'c', 'c-2', 'x', 'a.hop1']));
});

test('the one form of a graph stays as it is, and is the same file', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const plain = toEnvoyGraph(toPlain(graph), new FieldWriter(writeFields(graph)));
      const one = toGraph(plain);
      expect(toEnvoyGraph(plain, new FieldWriter(writeFields(one)))).toEqual(plain);
      expect(writeBootstrap(one, writeFields(one))).toBe(writeBootstrap(graph, writeFields(graph)));
    }),
    { numRuns: 200 },
  );
});
