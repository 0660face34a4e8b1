import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RememberedEnds } from '../../src/app/remembered-ends.ts';
import type { HopChoice } from '../../src/chain/model/graph.ts';
import { eventually } from '../support/eventually.ts';
import { makeHop } from '../support/harness/app.ts';
import { makeTempFolder } from '../support/temp.ts';

const [near, far, other] = [makeHop('http', 1), makeHop('http', 2), makeHop('https', 3)];
const one: HopChoice[] = [[near]];
const two: HopChoice[] = [[near], [far]];

/** Tells for each hop whether it is known to keep the halves apart. */
const listKept = async (folder: string, hops: readonly HopChoice[]) =>
  (await new RememberedEnds(folder).load(hops)).map((choice) => choice.map((hop) => hop.keptHalves !== undefined));

test('a finding holds for the route to a hop, and not for another one', async () => {
  const folder = join(makeTempFolder(), 'tunl');
  await new RememberedEnds(folder).save(two, true);
  expect(await listKept(folder, two)).toEqual([[true], [true]]);
  expect(await listKept(folder, one)).toEqual([[true]]);
  expect(await listKept(folder, [[far]])).toEqual([[false]]);
  expect(await listKept(folder, [[other], [far]])).toEqual([[false], [false]]);
  expect(await listKept(folder, [[near, other], [far]])).toEqual([[true, false], [false]]);
  expect(statSync(join(folder, 'half-close.json')).mode & 0o777).toBe(0o600);
});

test('a finding to the contrary replaces it, and a hop with alternatives is not noted', async () => {
  const folder = makeTempFolder();
  const ends = new RememberedEnds(folder);
  await ends.save(one, true);
  await ends.save(one, false);
  await ends.save([[other, far]], true);
  expect(JSON.parse(readFileSync(join(folder, 'half-close.json'), 'utf8'))).toEqual({});
});

test('what turns out to be wrong is forgotten', async () => {
  const folder = makeTempFolder();
  await new RememberedEnds(folder).save(two, true);
  const [[first] = []] = await new RememberedEnds(folder).load(one);
  first?.keptHalves?.forget();
  await eventually(() => listKept(folder, two), [[false], [true]]);
});

test('a finding is believed for a day', async () => {
  const folder = makeTempFolder();
  const hour = 3_600_000;
  for (const [age, isKept] of [
    [23 * hour, true],
    [25 * hour, false],
    [-hour, false],
  ] as const) {
    const text = JSON.stringify({ 'http://127.0.0.1:1': { at: Date.now() - age } });
    writeFileSync(join(folder, 'half-close.json'), text, { mode: 0o600 });
    expect(await listKept(folder, one)).toEqual([[isKept]]);
  }
});
