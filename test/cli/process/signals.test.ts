import { expect, onTestFinished, test, vi } from 'vitest';
import { drainOnSignals, endOnSignals } from '../../../src/cli/process/signals.ts';
import { Scope } from '../../../src/core/scope.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s drains, and would exit with %i', (signal, exit) => {
  const [io, scope] = [makeIo(), new Scope()];
  const interruption = drainOnSignals(io, scope);
  expect(interruption.exit()).toBeUndefined();
  io.send(signal);
  expect([scope.draining.aborted, scope.forced.aborted]).toEqual([true, false]);
  expect(interruption.exit()).toBe(exit);
});

test('a second signal forces, and the status stays that of the first', () => {
  const [io, scope] = [makeIo(), new Scope()];
  const interruption = drainOnSignals(io, scope);
  io.send('SIGTERM');
  io.send('SIGINT');
  expect(scope.forced.aborted).toBe(true);
  expect(interruption.exit()).toBe(143);
});

test('SIGHUP can mean something else than the end', () => {
  const [io, scope] = [makeIo(), new Scope()];
  let reloads = 0;
  drainOnSignals(io, scope, () => (reloads += 1));
  io.send('SIGHUP');
  expect([reloads, scope.draining.aborted]).toEqual([1, false]);
});

test.each(['reloads', 'ends'] as const)(
  'a terminal that went away drains what %s with SIGHUP, and no matter who sends it',
  (how) => {
    const [io, scope] = [makeIo(), new Scope()];
    let reloads = 0;
    const onHangup = how === 'reloads' ? () => (reloads += 1) : undefined;
    const interruption = drainOnSignals(io, scope, onHangup, () => true);
    for (const _ of ['the kernel', 'the shell']) io.send('SIGHUP');
    expect([reloads, scope.draining.aborted, scope.forced.aborted]).toEqual([0, true, false]);
    expect([interruption.exit(), interruption.hungUp()]).toEqual([129, true]);
    io.send('SIGTERM');
    expect(scope.forced.aborted).toBe(true);
  },
);

test('a terminal that is seen to have gone only after the signal is one that went away', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [io, scope] = [makeIo(), new Scope()];
  let [reloads, isGone] = [0, false];
  const interruption = drainOnSignals(
    io,
    scope,
    () => (reloads += 1),
    () => isGone,
  );
  io.send('SIGHUP');
  isGone = true;
  vi.runAllTimers();
  expect([reloads, scope.draining.aborted, interruption.hungUp()]).toEqual([1, true, true]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('the first %s ends connect with %i', async (signal, exit) => {
  const [io, scope] = [makeIo(), new Scope()];
  const ending = endOnSignals(io, scope);
  expect(ending.exit()).toBeUndefined();
  io.send(signal);
  expect([await ending.now, ending.exit()]).toEqual([exit, exit]);
  expect(scope.forced.aborted).toBe(true);
});

test.each(['a second', 'one more signal'] as const)('SIGHUP drains connect, and %s forces it', async (what) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [io, scope] = [makeIo(), new Scope()];
  const ending = endOnSignals(io, scope);
  io.send('SIGHUP');
  expect([scope.draining.aborted, scope.forced.aborted, ending.exit()]).toEqual([true, false, 129]);
  if (what === 'a second') vi.advanceTimersByTime(1000);
  else io.send('SIGTERM');
  expect(await ending.now).toBe(129);
  expect(scope.forced.aborted).toBe(true);
});
