import { expect, test, vi } from 'vitest';
import type { HeaderField } from '../../src/core/hop.ts';
import { HeadReader } from '../../src/h2/head.ts';

const fields: readonly HeaderField[] = [[':status', '200']];

test('a head that comes again is read once, and a long one is not kept for that', () => {
  const read = vi.fn((all: readonly HeaderField[]) => all.length);
  const reader = new HeadReader(read);
  expect([reader.read(fields, 10), reader.read(fields, 10)]).toEqual([1, 1]);
  expect(read).toHaveBeenCalledTimes(1);
  const long: readonly HeaderField[] = [...fields, ['x-a', 'b']];
  expect([reader.read(long, 1000), reader.read(long, 1000)]).toEqual([2, 2]);
  expect(read).toHaveBeenCalledTimes(3);
});
