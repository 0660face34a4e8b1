import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import { formatAddress } from '../../src/core/address.ts';
import type { Dial } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import { linkPair } from '../../src/core/link.ts';
import { balance } from '../../src/dial/balance.ts';
import { makeContext } from '../support/harness/link-pairs.ts';

const [a, b, c] = ['a', 'b', 'c'].map((host) => ({ kind: 'tcp', host, port: 1 }) as const) as [
  Address,
  Address,
  Address,
];
const targets = [a, b, c];

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Targets of which some are down, and what was dialled. */
function makeTargets(mode: 'first' | 'round-robin', among = targets) {
  const down = new Map<Address, TunlError>();
  const dialled: string[] = [];
  const seen: Address[] = [];
  const failures: string[] = [];
  const dial: Dial = async (address, ctx) => {
    dialled.push(formatAddress(address)[0] ?? '');
    seen.push(ctx.target);
    const failure = down.get(address);
    if (failure) throw failure;
    return linkPair()[0];
  };
  const balanced = balance(dial, among, mode);
  return {
    down,
    seen,
    failures,
    fail: (address: Address, code: 'connection_refused' | 'hop_refused' = 'connection_refused') =>
      down.set(address, new TunlError(code, `${formatAddress(address)} is down`)),
    dial: (signal?: AbortSignal) =>
      balanced(a, { ...makeContext(a, signal), onFailure: ({ message }) => void failures.push(message) }),
    /** The targets that were dialled since the last call. */
    take: () => dialled.splice(0).join(''),
  };
}

test('the first target is taken for as long as it can be reached', async () => {
  const { dial, take } = makeTargets('first');
  for (let turn = 0; turn < 3; turn++) await dial();
  expect(take()).toBe('aaa');
});

test('targets are taken in turn', async () => {
  const { dial, take, seen } = makeTargets('round-robin');
  for (let turn = 0; turn < 4; turn++) await dial();
  expect(take()).toBe('abca');
  expect(seen).toEqual([a, b, c, a]);
});

test('one that fails is passed over, asked last for ten seconds, and then as before', async () => {
  const { dial, fail, down, take, failures } = makeTargets('first');
  fail(a);
  await dial();
  expect(take()).toBe('ab');
  expect(failures).toEqual(['a:1 is down']);
  down.clear();
  vi.advanceTimersByTime(9999);
  await dial();
  expect(take()).toBe('b');
  vi.advanceTimersByTime(1);
  await dial();
  expect(take()).toBe('a');
});

test('in turn, one that rests leaves its place to the next', async () => {
  const { dial, fail, take } = makeTargets('round-robin');
  fail(b);
  for (let turn = 0; turn < 4; turn++) await dial();
  expect(take()).toBe('abc' + 'c' + 'a');
});

test('when all rest they are asked all the same, and one that answers rests no more', async () => {
  const { dial, fail, down, take } = makeTargets('first');
  targets.forEach((target) => fail(target));
  await expect(dial()).rejects.toMatchObject({ message: 'c:1 is down' });
  expect(take()).toBe('abc');
  down.delete(b);
  await dial();
  expect(take()).toBe('ab');
  await dial();
  expect(take()).toBe('b');
});

test('what another target would not mend ends it', async () => {
  const { dial, fail, take } = makeTargets('first');
  fail(a, 'hop_refused');
  await expect(dial()).rejects.toMatchObject({ code: 'hop_refused' });
  expect(take()).toBe('a');
});

test('who has gone is not dialled for any further', async () => {
  const { dial, fail, take } = makeTargets('first');
  fail(a);
  const gone = new AbortController();
  gone.abort(new Error('gone'));
  await expect(dial(gone.signal)).rejects.toMatchObject({ message: 'a:1 is down' });
  expect(take()).toBe('a');
});

test('the only target that there is fails without a word of trying on', async () => {
  const { dial, fail, failures } = makeTargets('first', [a]);
  fail(a);
  await expect(dial()).rejects.toMatchObject({ code: 'connection_refused' });
  expect(failures).toEqual([]);
});
