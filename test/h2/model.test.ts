import { expect, test } from 'vitest';
import { Http2Model } from '../support/harness/h2-model.ts';

/** Steps of one run, and runs. */
const steps = 5000;
const runs = Array.from({ length: 20 }, (_, seed) => seed);

test.each(runs)('two engines keep their invariants under random use, seed %i', async (seed) => {
  const model = new Http2Model(seed);
  for (let step = 0; step < steps; step++) {
    await model.step();
    expect([step, model.faults]).toEqual([step, []]);
  }
  await model.finish();
  expect(model.faults).toEqual([]);
});
