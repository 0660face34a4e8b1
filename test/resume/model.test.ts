import { expect, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { ResumeModel } from '../support/harness/resume-model.ts';

/** Schedules, in groups that fail by themselves. */
const groups = amount(10, 100);
const perGroup = 100;
const steps = 300;

test.each(Array.from({ length: groups }, (_, group) => group))(
  'both ends get every byte once and in order, and end alike: schedules of group %i',
  async (group) => {
    let transports = 0;
    let remembered = 0;
    for (let seed = group * perGroup; seed < (group + 1) * perGroup; seed++) {
      const model = await ResumeModel.start(seed);
      for (let step = 0; step < steps && model.faults.length === 0; step++) await model.step();
      await model.finish();
      expect([seed, model.faults]).toEqual([seed, []]);
      transports += model.transports;
      if (model.isRemembered) remembered++;
    }
    expect(transports).toBeGreaterThan(perGroup);
    // Only if the very last frame was lost.
    expect(remembered).toBeLessThan(perGroup / 10);
  },
);
