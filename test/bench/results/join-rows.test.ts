import { expect, test } from 'vitest';
import { listNotes, readMedian } from './figures.mjs';
import { joinRows } from './join-rows.mjs';
import { makeRow } from './rows.ts';

const columns = [
  { name: 'down', unit: 'MB/s', better: 'more' as const, load: 'down x1' },
  { name: 'cost', unit: 's/GB', better: 'less' as const, load: 'down x1', of: 'cost' },
  { name: 'new', unit: '/s', better: 'more' as const, load: 'new x16' },
];
const named = { part: 'carriers', title: '' };

test('rows of several loads become one, with a line for each subject', () => {
  const down = makeRow({
    squid: [
      { rate: 10, cost: 1 },
      { rate: 30, cost: 3 },
    ],
    tunl: [5, 7],
  });
  const fresh = makeRow({ squid: [100, 100], tunl: [40] }, { title: 'new x16' });
  const joined = joinRows([down, fresh], columns, named);
  expect(joined).toMatchObject({ ...named, steadyBy: ['down', 'new'] });
  expect(joined.figures).toEqual(columns.map(({ name, unit, better }) => ({ name, unit, better })));
  expect(
    joined.subjects.map((subject) => [subject.name, ...columns.map(({ name }) => readMedian(subject, name))]),
  ).toEqual([
    ['squid', 20, 2, 100],
    ['tunl', 6, Number.NaN, 40],
  ]);
  expect(listNotes(joined)).toEqual(['squid moved by 100 % between rounds in "down"']);
});

test('a joined row has the failures of all loads, and an error of any', () => {
  const down = makeRow({ tunl: [{ rate: 5, failures: 1 }] });
  const fresh = makeRow({ tunl: [{ error: 'refused' }] }, { title: 'new x16' });
  const many = makeRow({ tunl: [{ rate: 5, failures: 2 }] }, { title: 'trips x64' });
  expect(listNotes(joinRows([down, fresh, many], columns, named))).toEqual(['tunl: 3 failed', 'tunl: refused']);
});
