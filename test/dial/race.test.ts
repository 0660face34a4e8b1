import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Ip } from '../../src/core/address.ts';
import { abortReason } from '../../src/core/deadline.ts';
import { TunlError } from '../../src/core/errors.ts';
import { type Link, linkPair } from '../../src/core/link.ts';
import { type Attempt, race } from '../../src/dial/race.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ip = (address: string): Ip => ({ address, family: 4 });
const never = new AbortController().signal;

/** Attempts that the test decides, one by one, and the times at which they began. */
function makeAttempts() {
  const began: [address: string, ms: number][] = [];
  const aborted: string[] = [];
  const settle = new Map<string, { succeed: () => Link; fail: () => void }>();
  const start = Date.now();
  const attempt: Attempt = ({ address }, signal) => {
    began.push([address, Date.now() - start]);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(address);
        reject(abortReason(signal));
      });
      settle.set(address, {
        succeed: () => {
          const [link] = linkPair();
          resolve(link);
          return link;
        },
        fail: () => reject(new TunlError('connection_refused', `${address} refused`)),
      });
    });
  };
  const at = (address: string) => settle.get(address) as { succeed: () => Link; fail: () => void };
  return { attempt, began, aborted, at };
}

test('gives the only address all the time it needs', async () => {
  const { attempt, began, at } = makeAttempts();
  const racing = race([ip('a')], attempt, never);
  await vi.advanceTimersByTimeAsync(100_000);
  const link = at('a').succeed();
  expect(await racing).toBe(link);
  expect(began).toEqual([['a', 0]]);
  expect(vi.getTimerCount()).toBe(0);
});

test('starts the next after 250 ms while the one before goes on', async () => {
  const { attempt, began, aborted, at } = makeAttempts();
  const racing = race([ip('a'), ip('b'), ip('c')], attempt, never);
  await vi.advanceTimersByTimeAsync(600);
  expect(began).toEqual([
    ['a', 0],
    ['b', 250],
    ['c', 500],
  ]);
  expect(aborted).toEqual([]);
  const link = at('a').succeed();
  expect(await racing).toBe(link);
});

test('starts the next at once when one fails', async () => {
  const { attempt, began, at } = makeAttempts();
  const racing = race([ip('a'), ip('b'), ip('c')], attempt, never);
  await vi.advanceTimersByTimeAsync(10);
  at('a').fail();
  await vi.advanceTimersByTimeAsync(0);
  at('b').fail();
  await vi.advanceTimersByTimeAsync(0);
  expect(began).toEqual([
    ['a', 0],
    ['b', 10],
    ['c', 10],
  ]);
  at('c').succeed();
  await racing;
});

test('reaches a slow second address past a first that never answers', async () => {
  const { attempt, at } = makeAttempts();
  const racing = race([ip('hole'), ip('slow')], attempt, never);
  await vi.advanceTimersByTimeAsync(250 + 300);
  const link = at('slow').succeed();
  expect(await racing).toBe(link);
});

describe('the first to succeed', () => {
  test('ends the attempts of the others and starts none any more', async () => {
    const { attempt, began, aborted, at } = makeAttempts();
    const racing = race([ip('a'), ip('b'), ip('c')], attempt, never);
    await vi.advanceTimersByTimeAsync(250);
    at('b').succeed();
    await racing;
    await vi.advanceTimersByTimeAsync(1000);
    expect(aborted).toContain('a');
    expect(began.map(([address]) => address)).toEqual(['a', 'b']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('has the connection of one that is just too late reset', async () => {
    const { attempt, at } = makeAttempts();
    const racing = race([ip('a'), ip('b')], attempt, never);
    await vi.advanceTimersByTimeAsync(250);
    const [first, second] = [at('a').succeed(), at('b').succeed()];
    expect(await racing).toBe(first);
    await vi.advanceTimersByTimeAsync(0);
    expect([first.stream.destroyed, second.stream.destroyed]).toEqual([false, true]);
  });
});

test('fails as the first address did when all have failed, in whatever order', async () => {
  const { attempt, at } = makeAttempts();
  const racing = race([ip('a'), ip('b'), ip('c')], attempt, never);
  const failure = expect(racing).rejects.toThrow('a refused');
  await vi.advanceTimersByTimeAsync(500);
  at('c').fail();
  at('b').fail();
  await vi.advanceTimersByTimeAsync(0);
  at('a').fail();
  await failure;
  expect(vi.getTimerCount()).toBe(0);
});

test('fails with sixteen dead addresses without waiting between them', async () => {
  const addresses = Array.from({ length: 16 }, (_, index) => ip(`10.0.0.${index}`));
  const attempt = vi.fn<Attempt>(({ address }) => Promise.reject(new TunlError('connection_refused', address)));
  await expect(race(addresses, attempt, never)).rejects.toThrow('10.0.0.0');
  expect(attempt).toHaveBeenCalledTimes(16);
});

test('stops every attempt when the caller aborts', async () => {
  const { attempt, began, aborted } = makeAttempts();
  const caller = new AbortController();
  const racing = race([ip('a'), ip('b'), ip('c')], attempt, caller.signal);
  const failure = expect(racing).rejects.toThrow('late');
  await vi.advanceTimersByTimeAsync(250);
  caller.abort(new TunlError('connection_timeout', 'late'));
  await failure;
  await vi.advanceTimersByTimeAsync(1000);
  expect(aborted).toEqual(['a', 'b']);
  expect(began).toHaveLength(2);
});

test('starts nothing for a caller that has aborted, or without an address', async () => {
  const { attempt, began } = makeAttempts();
  await expect(race([ip('a')], attempt, AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
  await expect(race([], attempt, never)).rejects.toMatchObject({ code: 'dns_error' });
  expect(began).toEqual([]);
});
