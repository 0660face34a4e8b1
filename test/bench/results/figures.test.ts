import { describe, expect, test } from 'vitest';
import { compareWithBest, listNotes, median, readMedian, readMovement, sumMovements } from './figures.mjs';
import { makeRow } from './rows.ts';

describe('a median', () => {
  test.each([
    [[], Number.NaN],
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 1], 9],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  test('leaves rounds out that have no figure', () => {
    const row = makeRow({ squid: [4, { error: 'refused' }, { rate: Number.NaN }, { rate: null }, 8] });
    expect(row.subjects.map((subject) => readMedian(subject, 'rate'))).toEqual([6]);
  });
});

/** The ratio of the first subject that is tunl in a figure of the row. */
function compare(row: ReturnType<typeof makeRow>, figure = 'rate') {
  const mine = row.subjects.find(({ kind }) => kind === 'tunl');
  const asked = row.figures.find(({ name }) => name === figure);
  if (!mine || !asked) throw new Error('no such subject or figure');
  return compareWithBest(row, mine, asked);
}

describe('a ratio', () => {
  test('is that to the best peer, with the extremes of the rounds', () => {
    const row = makeRow({ squid: [100, 100, 100], envoy: [200, 100, 400], 'tunl serve': [100, 150, 300] });
    expect(compare(row)).toEqual({ ratio: 0.75, low: 0.5, high: 1.5, peer: 'envoy' });
  });

  test('of a cost is turned round, so that above 1 tunl is ahead', () => {
    const row = makeRow({ squid: [{ cost: 1 }], envoy: [{ cost: 3 }], tunl: [{ cost: 0.5 }] });
    expect(compare(row, 'cost')).toEqual({ ratio: 2, low: 2, high: 2, peer: 'squid' });
  });

  test('is never outside of its extremes', () => {
    const row = makeRow({ squid: [1, 10, 10, 1], tunl: [1, 10, 1, 10] });
    const { ratio = 0, low = 1, high = 0 } = compare(row) ?? {};
    expect(ratio).toBeGreaterThanOrEqual(low);
    expect(ratio).toBeLessThanOrEqual(high);
  });

  test('does not take a bound for a peer', () => {
    expect(compare(makeRow({ direct: [1000], tunl: [10] }))).toBeUndefined();
  });

  test.each([
    ['a peer that failed', { squid: [{ error: 'refused' }], tunl: [10] }],
    ['a peer whose cost was too small to see', { squid: [0], tunl: [10] }],
    ['failures of its own', { squid: [10], tunl: [{ error: 'refused' }] }],
  ])('is not there for %s', (_, subjects) => {
    expect(compare(makeRow(subjects))).toBeUndefined();
  });
});

describe('a row says', () => {
  test('which peer moved between rounds', () => {
    const row = makeRow({ squid: [100, 114], envoy: [100, 120], tunl: [1, 2] });
    expect(readMovement(row)).toBeCloseTo(20 / 110);
    expect(listNotes(row)).toEqual(['envoy moved by 18 % between rounds']);
  });

  test('by which figure it goes, if that is not the first', () => {
    const samples = [
      { rate: 1, cost: 2 },
      { rate: 9, cost: 2 },
    ];
    expect(readMovement(makeRow({ squid: samples }, { steadyBy: ['cost'] }))).toBe(0);
  });

  test('in which figure a peer moved, if several count', () => {
    const samples = [
      { rate: 1, cost: 2 },
      { rate: 1, cost: 3 },
    ];
    const row = makeRow({ squid: samples }, { steadyBy: ['rate', 'cost'] });
    expect(readMovement(row)).toBeCloseTo(1 / 2.5);
    expect(listNotes(row)).toEqual(['squid moved by 40 % between rounds in "cost"']);
  });

  test('what is close to all that the load generator can do', () => {
    const row = makeRow({ direct: [149], squid: [100], tunl: [90] });
    expect(listNotes(row)).toEqual([expect.stringContaining('within 1.5 x of squid: ')]);
  });

  test('what failed, and each error once', () => {
    const row = makeRow({ tunl: [{ rate: 1, failures: 2 }, { rate: 1, failures: 1 }, { error: 'a' }, { error: 'a' }] });
    expect(listNotes(row)).toEqual(['tunl: 3 failed', 'tunl: a']);
  });
});

test('a run says in how many rows a peer moved', () => {
  const [steady, moved] = [makeRow({ squid: [100, 114] }), makeRow({ squid: [100, 120] })];
  expect(sumMovements([steady])).toBeUndefined();
  expect(sumMovements([steady, moved])).toContain('in 1 of 2 rows a peer moved by more than 15 %');
});
