import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RememberedModes } from '../../src/app/remembered-modes.ts';
import type { HopChoice } from '../../src/chain/model/graph.ts';
import { makeHop } from '../support/harness/app.ts';
import { makeTempFolder } from '../support/temp.ts';

const [near, far] = [makeHop('http', 1), makeHop('auto+https', 2)];
const direct: HopChoice[] = [[far]];
const behind: HopChoice[] = [[near], [far]];

/** The modes that are remembered for the hops of a route, in a network. */
const listModes = async (folder: string, hops: readonly HopChoice[], network = 'home') =>
  (await new RememberedModes(folder, () => network).load(hops)).flat().map(({ knownMode }) => knownMode?.name);

async function keep(folder: string, hops: readonly HopChoice[], mode: string, network = 'home'): Promise<void> {
  const modes = new RememberedModes(folder, () => network);
  for (const hop of (await modes.load(hops)).flat()) hop.knownMode?.keep(mode);
  await modes.settle();
}

test('a mode is remembered for the route to a far end, in one network', async () => {
  const folder = join(makeTempFolder(), 'tunl');
  await keep(folder, behind, 'WebSocket');
  expect(await listModes(folder, behind)).toEqual([undefined, 'WebSocket']);
  expect(await listModes(folder, direct)).toEqual([undefined]);
  expect(await listModes(folder, behind, 'train')).toEqual([undefined, undefined]);
  await keep(folder, behind, 'POST', 'train');
  expect(await listModes(folder, behind)).toEqual([undefined, 'WebSocket']);
  expect(await listModes(folder, behind, 'train')).toEqual([undefined, 'POST']);
  expect(statSync(join(folder, 'modes.json')).mode & 0o777).toBe(0o600);
});

test('what works in a network that was entered since is kept for that one', async () => {
  const folder = makeTempFolder();
  let network = 'home';
  const modes = new RememberedModes(folder, () => network);
  const [[hop] = []] = await modes.load(direct);
  network = 'train';
  hop?.knownMode?.keep('POST');
  await modes.settle();
  expect([await listModes(folder, direct), await listModes(folder, direct, 'train')]).toEqual([[undefined], ['POST']]);
});

test('it is believed for a day', async () => {
  const folder = makeTempFolder();
  const hour = 3_600_000;
  for (const [age, known] of [
    [23 * hour, 'POST'],
    [25 * hour, undefined],
  ] as const) {
    const text = JSON.stringify({ 'home auto+https://127.0.0.1:2': { mode: 'POST', at: Date.now() - age } });
    writeFileSync(join(folder, 'modes.json'), text, { mode: 0o600 });
    expect(await listModes(folder, direct)).toEqual([known]);
  }
});

test('the file names no address of ours', async () => {
  const folder = makeTempFolder();
  const modes = new RememberedModes(folder);
  const [[hop] = []] = await modes.load(direct);
  hop?.knownMode?.keep('POST');
  await modes.settle();
  const [key = ''] = Object.keys(JSON.parse(readFileSync(join(folder, 'modes.json'), 'utf8')) as object);
  expect(key).toMatch(/^[\w-]{16} auto\+https:\/\/127\.0\.0\.1:2$/);
  expect((await modes.load(direct)).flat()[0]?.knownMode?.name).toBe('POST');
});
