import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Source } from '../../src/chain/document.ts';
import { findFaults } from '../../src/chain/validate.ts';
import { toEnvoyGraph } from '../../src/envoy/canonical.ts';
import { exportEnvoy } from '../../src/envoy/export.ts';
import { FieldWriter } from '../../src/envoy/export-fields.ts';
import { loadBootstrap } from '../../src/envoy/load.ts';
import { makeEnvoyGraphs, writeFields } from '../support/envoy-graphs.ts';

const graphs = makeEnvoyGraphs({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: '/etc/ca.pem' }).filter(
  (graph) => findFaults(graph).length === 0,
);

test('what is read from an exported file is the same graph', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const sources = writeFields(graph);
      const text = exportEnvoy(graph, sources);
      const { graph: read } = loadBootstrap(new Source(text, 'envoy.yaml'), { allowUnknownFields: false });
      expect(read).toEqual(toEnvoyGraph(graph, new FieldWriter(sources)));
    }),
    { numRuns: 300 },
  );
});
