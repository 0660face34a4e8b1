import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeBootstrap } from '../../src/envoy/export/export.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { fixtureNames } from '../support/graphs/envoy-changes.ts';
import { corpusNames, loadEnvoy, readCorpus, readFixture } from '../support/graphs/envoy-file.ts';
import { makeEnvoyGraphs, writeFields } from '../support/graphs/envoy-graphs.ts';
import { findRefused, hasEnvoy } from './parts/envoy.ts';

describe.skipIf(!hasEnvoy)('what is exported for Envoy', () => {
  test('is a file that Envoy takes, whatever the graph', async () => {
    const certs = await makeCerts();
    const { cert, key } = certs.server;
    const sample = fc.sample(makeEnvoyGraphs({ cert, key, ca: certs.ca.cert }), { numRuns: 40, seed: 6 });
    expect(await findRefused(sample.map((graph) => writeBootstrap(graph, writeFields(graph))))).toEqual([]);
  });

  test('is a file that Envoy takes, where it was one of Envoy before', async () => {
    const texts = [
      ...fixtureNames.map(readFixture),
      // Abstract names need Node 22.
      ...corpusNames.filter((name) => name !== 'tcp-abstract').map(readCorpus),
    ].map((text) => {
      const { graph, sources } = loadEnvoy(text);
      return writeBootstrap(graph, sources);
    });
    expect(await findRefused(texts)).toEqual([]);
  });
});
