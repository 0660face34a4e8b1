import { expect, test } from 'vitest';
import { Slots } from '../../src/core/waiting.ts';
import { TunlError } from '../../src/core/errors.ts';

const givenUp = new TunlError('interrupted', 'given up');

test('turns are given in order, and those who leave get none', async () => {
  const turns = new Slots(1);
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const first = await turns.take(staying.signal);
  const left = expect(turns.take(leaving.signal)).rejects.toBe(givenUp);
  const order: string[] = [];
  const second = turns.take(staying.signal).then((end) => (order.push('second'), end));
  const third = turns.take(staying.signal).then((end) => (order.push('third'), end));
  leaving.abort(givenUp);
  await left;
  expect(order).toEqual([]);
  first();
  first();
  const endSecond = await second;
  expect(order).toEqual(['second']);
  endSecond();
  (await third)();
  expect(order).toEqual(['second', 'third']);
  (await turns.take(staying.signal))();
  await expect(turns.take(leaving.signal)).rejects.toBe(givenUp);
});
