import { expect, test } from 'vitest';
import { drainOnSignals, endOnSignals } from '../../src/cli/signals.ts';
import { Scope } from '../../src/core/scope.ts';
import { makeIo } from '../support/fake-io.ts';

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

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('the first %s ends connect with %i', async (signal, exit) => {
  const [io, scope] = [makeIo(), new Scope()];
  const ended = endOnSignals(io, scope);
  io.send(signal);
  expect(await ended).toBe(exit);
  expect(scope.forced.aborted).toBe(true);
});
