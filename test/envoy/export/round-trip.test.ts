import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFaults } from '../../../src/chain/check/validate.ts';
import { toEnvoyGraph } from '../../../src/envoy/export/normal/graph.ts';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { FieldWriter } from '../../../src/envoy/export/fields.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { corpusNames, loadEnvoy, readCorpus, readFixture } from '../../support/graphs/envoy-file.ts';
import { makeEnvoyGraphs, writeFields } from '../../support/graphs/envoy-graphs.ts';
import { toPlain } from '../../../src/chain/model/graph.ts';

const graphs = makeEnvoyGraphs({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: '/etc/ca.pem' }).filter(
  (graph) => findFaults(graph).length === 0,
);
const fixtures = readdirSync(new URL('../fixtures', import.meta.url)).map((file) => file.replace('.yaml', ''));

test('what is read from an exported file is the same graph', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const sources = writeFields(graph);
      const { graph: read } = loadEnvoy(writeBootstrap(graph, sources));
      expect(toPlain(read)).toEqual(toEnvoyGraph(toPlain(graph), new FieldWriter(sources)));
    }),
    { numRuns: 300 },
  );
});

test.each(fixtures)('a file of Envoy is written again as another that means the same: %s', (name) => {
  const { graph, sources } = loadEnvoy(readFixture(name));
  expect(toEnvoyGraph(toPlain(graph), new FieldWriter(sources))).toEqual(toPlain(graph));
  expect(loadEnvoy(writeBootstrap(graph, sources)).graph).toEqual(graph);
});

/** Files of the corpus that cannot be written again, each with the reason. */
const unwritten: Readonly<Record<string, string>> = {};

// Abstract names need Node 22.
test.each(corpusNames.filter((name) => name !== 'tcp-abstract'))(
  '%s of the corpus is written again as another that means the same, or is refused',
  (name) => {
    const { graph, sources } = loadEnvoy(readCorpus(name));
    const why = unwritten[name];
    if (why !== undefined) return expect(() => writeBootstrap(graph, sources)).toThrow(why);
    expect(toPlain(loadEnvoy(writeBootstrap(graph, sources)).graph)).toEqual(
      toEnvoyGraph(toPlain(graph), new FieldWriter(sources)),
    );
  },
);

test('names that Envoy files cannot have twice, or not at all, are others there and back', () => {
  const { graph, sources } = loadText(`stages:
  a:
    listen: 1
    http:
      hosts:
        'a.example:8080': [{ to: ['127.0.0.1:1', '127.0.0.1:2'] }]
        '*': [{ prefix: /x, to: internal://b }, { to: up }]
      upstreams: { up: { to: 'db:80', via: 'h2c://p:1' } }
  b: { http: { routes: [{ to: up }], upstreams: { up: 'db:80' } } }
`);
  const read = loadEnvoy(writeBootstrap(graph, sources)).graph;
  expect(toPlain(read)).toEqual(toEnvoyGraph(toPlain(graph), new FieldWriter(sources)));
  const upstreams = read.stages.flatMap((stage) =>
    stage.job === 'http' ? stage.upstreams.map(({ name }) => name) : [],
  );
  expect(upstreams).toEqual(['127.0.0.1-1-127.0.0.1-2', 'internal-b', 'up', 'b.up']);
});
