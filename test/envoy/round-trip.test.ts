import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFaults } from '../../src/chain/validate.ts';
import { toEnvoyGraph } from '../../src/envoy/canonical.ts';
import { exportEnvoy } from '../../src/envoy/export.ts';
import { FieldWriter } from '../../src/envoy/export-fields.ts';
import { loadEnvoy, readFixture } from '../support/envoy-file.ts';
import { makeEnvoyGraphs, writeFields } from '../support/envoy-graphs.ts';

const graphs = makeEnvoyGraphs({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: '/etc/ca.pem' }).filter(
  (graph) => findFaults(graph).length === 0,
);
const fixtures = readdirSync(new URL('fixtures', import.meta.url)).map((file) => file.replace('.yaml', ''));

test('what is read from an exported file is the same graph', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const sources = writeFields(graph);
      const { graph: read } = loadEnvoy(exportEnvoy(graph, sources));
      expect(read).toEqual(toEnvoyGraph(graph, new FieldWriter(sources)));
    }),
    { numRuns: 300 },
  );
});

test.each(fixtures)('a file of Envoy is written again as another that means the same: %s', (name) => {
  const { graph, sources } = loadEnvoy(readFixture(name));
  expect(toEnvoyGraph(graph, new FieldWriter(sources))).toEqual(graph);
  expect(loadEnvoy(exportEnvoy(graph, sources)).graph).toEqual(graph);
});
