import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusedClusters } from '../envoy/import/refused/clusters.ts';
import { refusedChanges } from '../envoy/import/refused/header-changes.ts';
import { refusedHttp } from '../envoy/import/refused/http.ts';
import { refusedListeners } from '../envoy/import/refused/listeners.ts';
import { refusedTcp } from '../envoy/import/refused/tcp.ts';
import { fixtureNames, makeChanges, outdated, plainValues } from '../support/graphs/envoy-changes.ts';
import { editFixture, loadEnvoy, readFixture } from '../support/graphs/envoy-file.ts';
import { checkEnvoy, hasEnvoy } from './parts/envoy.ts';
import { makeFolder } from './support/workspace.ts';

/** Returns whether Envoy accepts a text as its configuration. */
async function judge(text: string): Promise<'takes' | 'refuses'> {
  const file = join(makeFolder('judged'), 'envoy.yaml');
  writeFileSync(file, text);
  const { code } = await checkEnvoy(file);
  return code === 0 ? 'takes' : 'refuses';
}

describe.skipIf(!hasEnvoy)('Envoy and tunl on the same files', () => {
  test.each(fixtureNames)('Envoy takes %s.yaml, unless its form is outdated', async (name) => {
    expect(await judge(readFixture(name))).toBe(outdated.has(name) ? 'refuses' : 'takes');
  });

  const rows = [...refusedListeners, ...refusedTcp, ...refusedClusters, ...refusedChanges, ...refusedHttp];
  test.each(rows.filter(({ file }) => !outdated.has(file)))(
    'Envoy says what is written down of $file with $to',
    async ({ file, from, to, envoyTakesIt }) => {
      expect(await judge(editFixture(file, from, to))).toBe(envoyTakesIt ? 'takes' : 'refuses');
    },
  );

  test('what Envoy refuses of changed files is refused here too', async () => {
    // Envoy opens the log of its admin address even where it only looks at a file.
    const names = fixtureNames.filter((name) => !outdated.has(name) && !readFixture(name).includes('access_log'));
    const taken: string[] = [];
    for (const text of fc.sample(makeChanges(names, plainValues), { numRuns: 1000, seed: 6 })) {
      // The router may do without a type, as it once could.
      if (isTaken(text) && !/envoy\.filters\.http\.router\n(?! +typed_config)/.test(text)) taken.push(text);
    }
    for (const text of taken) expect([text, await judge(text)]).toEqual([text, 'takes']);
    expect(taken.length).toBeGreaterThan(50);
  });
});

function isTaken(text: string): boolean {
  try {
    loadEnvoy(text);
    return true;
  } catch {
    return false;
  }
}
