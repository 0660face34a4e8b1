import { expect, test } from 'vitest';
import { type Column, formatTable } from '../../../src/cli/terminal/table.ts';

interface Row {
  readonly name: string;
  readonly size: number;
}

const columns: readonly Column<Row>[] = [
  { head: 'name', cell: ({ name }) => name, elastic: true },
  { head: 'size', cell: ({ size }) => String(size), align: 'right' },
];
const rows = [
  { name: 'short', size: 5 },
  { name: 'a name that is quite long', size: 12345 },
];
const format = (available: number, overflow: 'cut' | 'wrap') =>
  formatTable(columns, rows, { columns: available, overflow });

test('a table is as wide as its cells, amounts at the right, and has a line below its head only', async () => {
  expect(await format(80, 'cut')).toBe(
    [
      '┌───────────────────────────┬───────┐',
      '│ name                      │  size │',
      '├───────────────────────────┼───────┤',
      '│ short                     │     5 │',
      '│ a name that is quite long │ 12345 │',
      '└───────────────────────────┴───────┘',
    ].join('\n'),
  );
});

test('a table that is too wide is made to fit by cutting what is elastic', async () => {
  const lines = (await format(24, 'cut')).split('\n');
  expect(lines.map((line) => line.length)).toEqual(lines.map(() => 24));
  expect(lines[4]).toBe('│ a name that… │ 12345 │');
});

test('columns with a rank are left out before anything is cut short, the highest first', async () => {
  const all = [...columns, { head: 'first', cell: () => '-', rank: 1 }, { head: 'second', cell: () => '-', rank: 2 }];
  const heads = async (available: number) => {
    const [, head = ''] = (await formatTable(all, rows, { columns: available, overflow: 'cut' })).split('\n');
    return head.split('│').flatMap((cell) => cell.trim() || []);
  };
  expect(await heads(80)).toEqual(['name', 'size', 'first', 'second']);
  // What is elastic becomes a little narrower first.
  expect(await heads(43)).toEqual(['name', 'size', 'first', 'second']);
  expect(await heads(42)).toEqual(['name', 'size', 'first']);
  expect(await heads(33)).toEqual(['name', 'size']);
});

test('where nothing may be lost, a long cell goes on below itself', async () => {
  const lines = (await format(24, 'wrap')).split('\n');
  expect(lines.map((line) => line.length)).toEqual(lines.map(() => 24));
  const cells = lines.slice(4, -1).map((line) => line.slice(2, 14));
  expect(cells.map((cell) => cell.trimEnd()).join('')).toMatch(/a name ?that ?is ?quite ?long/);
});

test('a table stays readable on a terminal that is too narrow for any', async () => {
  expect((await format(5, 'cut')).split('\n')[4]).toBe('│ a name … │ 12345 │');
});

test('a cell cannot do anything to the terminal', async () => {
  const table = await formatTable(columns, [{ name: '\u001b[2Jx\ny', size: 1 }], { columns: 80, overflow: 'cut' });
  expect(table).toContain('│ ?[2Jx?y │');
});
