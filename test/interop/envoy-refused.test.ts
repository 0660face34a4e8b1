import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusedClusters } from '../envoy/import/refused/clusters.ts';
import { refusedChanges } from '../envoy/import/refused/header-changes.ts';
import { refusedHttp } from '../envoy/import/refused/http.ts';
import { refusedListeners } from '../envoy/import/refused/listeners.ts';
import { refusedTcp } from '../envoy/import/refused/tcp.ts';
import { amount } from '../support/amounts.ts';
import { fixtureNames, makeLikelyChanges, outdated } from '../support/graphs/envoy-changes.ts';
import { editFixture, loadEnvoy, readFixture } from '../support/graphs/envoy-file.ts';
import { findRefused, hasEnvoy } from './parts/envoy.ts';

describe.skipIf(!hasEnvoy)('Envoy and tunl on the same files', () => {
  test('Envoy takes the files of Envoy, unless their form is outdated', async () => {
    const refused = await findRefused(fixtureNames.map(readFixture));
    const old = fixtureNames.filter((name) => outdated.has(name)).map(readFixture);
    expect(refused.map(({ text }) => text).toSorted()).toEqual(old.toSorted());
  });

  test('Envoy says what is written down of each change for which tunl refuses a file', async () => {
    const rows = [...refusedListeners, ...refusedTcp, ...refusedClusters, ...refusedChanges, ...refusedHttp].filter(
      ({ file }) => !outdated.has(file),
    );
    const texts = rows.map(({ file, from, to }) => editFixture(file, from, to));
    const refused = new Set((await findRefused(texts)).map(({ text }) => text));
    const judged = rows.map((row, index) => [row, refused.has(texts[index] ?? '') ? 'refuses' : 'takes'] as const);
    const wrong = judged.filter(([{ envoyTakesIt }, verdict]) => (verdict === 'takes') !== (envoyTakesIt ?? false));
    expect(wrong).toEqual([]);
  });

  test('what Envoy refuses of changed files is refused here too', async () => {
    const count = amount(100, 1000);
    const changes = fc.sample(makeLikelyChanges(), { numRuns: count * 5, seed: 14 });
    const taken = changes.filter(({ text }) => isTaken(text)).slice(0, count);
    expect(taken.length).toBe(count);
    // What is in a file of a key is read when the stages are made ready.
    const refused = (await findRefused(taken.map(({ text }) => text))).filter(
      ({ why }) => !/: Failed to load private key from /.test(why),
    );
    const named = refused.map(({ text, why }) => [taken.find((change) => change.text === text)?.what, why, text]);
    expect(named).toEqual([]);
  });
});

/** Returns whether tunl takes a file, with all of its fields that are not about the router's own name. */
function isTaken(text: string): boolean {
  // The router may do without a type, as it once could.
  if (/envoy\.filters\.http\.router\n(?! +typed_config)/.test(text)) return false;
  try {
    loadEnvoy(text);
    return true;
  } catch {
    return false;
  }
}
