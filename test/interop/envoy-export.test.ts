import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportEnvoy } from '../../src/envoy/export.ts';
import { makeCerts } from '../support/certs.ts';
import { makeEnvoyGraphs, writeFields } from '../support/envoy-graphs.ts';
import { checkEnvoy, hasEnvoy } from './parts/envoy.ts';
import { makeFolder } from './support/workspace.ts';

describe.skipIf(!hasEnvoy)('what is exported for Envoy', () => {
  test('is a file that Envoy takes, whatever the graph', async () => {
    const certs = await makeCerts();
    const { cert, key } = certs.server;
    const sample = fc.sample(makeEnvoyGraphs({ cert, key, ca: certs.ca.cert }), { numRuns: 40, seed: 6 });
    const folder = makeFolder('export');
    const refused: string[] = [];
    for (const [index, graph] of sample.entries()) {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, exportEnvoy(graph, writeFields(graph)));
      const { code, stderr } = await checkEnvoy(file);
      if (code !== 0) refused.push(`${JSON.stringify(graph)}\n${stderr}`);
    }
    expect(refused).toEqual([]);
  });
});
