import { expect, onTestFinished, test } from 'vitest';
import { Scope } from '../../src/core/scope.ts';

test('undoes in reverse order, one after the other, once', async () => {
  const scope = new Scope();
  const order: string[] = [];
  scope.defer(() => order.push('first'));
  scope.defer(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('second');
  });
  scope.defer(() => order.push('third'));
  await Promise.all([scope.close(), scope.close()]);
  await scope.close();
  expect(order).toEqual(['third', 'second', 'first']);
});

test('undoes what is registered while it closes', async () => {
  const scope = new Scope();
  const order: string[] = [];
  scope.defer(() => scope.defer(() => order.push('late')));
  await scope.close();
  expect(order).toEqual(['late']);
});

test('draining does not force, forcing drains as well', () => {
  const drained = new Scope();
  drained.drain('reason');
  expect([drained.draining.aborted, drained.forced.aborted, drained.draining.reason]).toEqual([true, false, 'reason']);
  const forced = new Scope();
  forced.force('now');
  expect([forced.draining.aborted, forced.forced.aborted, forced.forced.reason]).toEqual([true, true, 'now']);
});

test('may be listened to by many connections without a warning of Node', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const scope = new Scope();
  for (const signal of [scope.draining, scope.forced]) {
    for (let connection = 0; connection < 100; connection++) signal.addEventListener('abort', () => {});
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});
