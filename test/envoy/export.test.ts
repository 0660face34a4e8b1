import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toEnvoyGraph } from '../../src/envoy/canonical.ts';
import { exportEnvoy } from '../../src/envoy/export.ts';
import { makeEnvoyGraphs, writeFields } from '../support/envoy-graphs.ts';

const graphs = makeEnvoyGraphs({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: '/etc/ca.pem' });

test('the one form of a graph stays as it is, and is the same file', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const one = toEnvoyGraph(graph);
      expect(toEnvoyGraph(one)).toEqual(one);
      expect(exportEnvoy(one, writeFields(graph))).toBe(exportEnvoy(graph, writeFields(graph)));
    }),
    { numRuns: 200 },
  );
});
