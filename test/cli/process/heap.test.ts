import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { expect, onTestFinished, test } from 'vitest';
import { limitYoungHeap } from '../../../src/cli/process/heap.ts';

/** Makes garbage, some of which survives collections for a while. */
function churn(): number {
  const kept: object[] = [];
  for (let made = 0; made < 1_000_000; made++) kept[made % 2000] = { made, more: [made, made] };
  return kept.length;
}

function readSize(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}

test('the space for young objects stays as it is until many tunnels have ended', async () => {
  // What V8 does by itself.
  onTestFinished(() => setFlagsFromString('--semi-space-growth-factor=2'));
  const onEnded = await limitYoungHeap();
  churn();
  const before = readSize();
  for (let ended = 1; ended < 2000; ended++) onEnded();
  churn();
  expect(readSize()).toBeLessThanOrEqual(before);
  onEnded();
  churn();
  // A runner of tests may have let it grow before.
  expect(readSize()).toBeGreaterThan(before < 16 * 1024 * 1024 ? before : 0);
});
