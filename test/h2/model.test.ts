import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { Http2Model } from '../support/harness/h2-model.ts';

/** Steps of one run, and runs. */
const steps = 5000;
const runs = Array.from({ length: 20 }, (_, seed) => seed);

/** Set by `npm run fuzz`: seeds, or minutes in which others are chosen at random. */
const { TUNL_FUZZ_SEEDS = '', TUNL_FUZZ_MINUTES = '0' } = process.env;
const seeds = TUNL_FUZZ_SEEDS.split(',').filter(Boolean).map(Number);
const fuzzMs = Number(TUNL_FUZZ_MINUTES) * 60_000;

async function run(seed: number): Promise<void> {
  const model = new Http2Model(seed);
  for (let step = 0; step < steps; step++) {
    await model.step();
    if (model.faults.length > 0) expect({ seed, step, faults: model.faults }).toMatchObject({ faults: [] });
  }
  await model.finish();
  expect({ seed, faults: model.faults }).toEqual({ seed, faults: [] });
}

test.each([...runs, ...seeds])('two engines keep their invariants under random use, seed %i', run);

if (fuzzMs > 0) {
  test(`they do so for ${TUNL_FUZZ_MINUTES} minutes`, { timeout: fuzzMs + 60_000 }, async () => {
    const start = performance.now();
    while (performance.now() - start < fuzzMs) await run(randomInt(2 ** 31));
  });
}
