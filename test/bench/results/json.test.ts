import { expect, test } from 'vitest';
import { formatRun } from './json.mjs';
import { makeRow, makeRun } from './rows.ts';

test('a run in JSON has every sample, and what was made of them', () => {
  const row = makeRow({ squid: [{ rate: 100, cost: 1 }], 'tunl serve': [{ rate: 50, cost: 4 }] });
  expect(JSON.parse(formatRun(makeRun([row])))).toEqual({
    form: 1,
    ...makeRun([]),
    rows: [
      {
        ...row,
        notes: [],
        subjects: [
          {
            name: 'squid',
            kind: 'peer',
            samples: [{ rate: 100, cost: 1 }],
            medians: { rate: 100, cost: 1 },
            ratios: {},
          },
          {
            name: 'tunl serve',
            kind: 'tunl',
            samples: [{ rate: 50, cost: 4 }],
            medians: { rate: 50, cost: 4 },
            ratios: {
              rate: { ratio: 0.5, low: 0.5, high: 0.5, peer: 'squid' },
              cost: { ratio: 0.25, low: 0.25, high: 0.25, peer: 'squid' },
            },
          },
        ],
      },
    ],
  });
});

test('figures have five digits, and each row has a line', () => {
  const text = formatRun(makeRun([makeRow({ tunl: [123_456.789] }), makeRow({ tunl: [1] })]));
  expect(text).toContain('"rate":123460,');
  expect(text.split('\n').filter((line) => line.startsWith('{"part":"h1",'))).toHaveLength(2);
});

test('what could not be measured is null', () => {
  const [{ subjects }] = JSON.parse(formatRun(makeRun([makeRow({ tunl: [{ error: 'refused' }] })]))).rows;
  expect(subjects[0]).toMatchObject({ samples: [{ error: 'refused' }], medians: { rate: null, cost: null } });
});
