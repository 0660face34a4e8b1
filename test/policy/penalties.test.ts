import { expect, test } from 'vitest';
import { Abort } from '../../src/core/abort.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Peer } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { keepPassword } from '../../src/policy/password.ts';
import { Penalties } from '../../src/policy/penalties.ts';
import { UserTable } from '../../src/policy/users.ts';

const from = (host: string): Peer => ({ address: { kind: 'tcp', host, port: 1 } });

/** Penalties with a clock of the test. */
function makePenalties() {
  const clock = { ms: 1000 };
  const penalties = new Penalties(() => clock.ms);
  const isShut = (host: string, user: string) => penalties.gate(from(host), user).isShut;
  const fail = (host: string, user: string, times: number) => {
    for (let time = 0; time < times; time++) penalties.gate(from(host), user).tell(false);
  };
  return { clock, penalties, isShut, fail };
}

test('typing errors are free, and every further one costs twice as long, up to 4 s', () => {
  const { clock, isShut, fail } = makePenalties();
  fail('10.0.0.1', 'alice', 3);
  expect(isShut('10.0.0.1', 'alice')).toBe(false);
  for (const ms of [250, 500, 1000, 2000, 4000, 4000]) {
    fail('10.0.0.1', 'alice', 1);
    clock.ms += ms - 1;
    expect(isShut('10.0.0.1', 'alice'), `${ms}`).toBe(true);
    clock.ms += 1;
    expect(isShut('10.0.0.1', 'alice'), `${ms}`).toBe(false);
  }
});

test('nobody else waits: neither the user elsewhere, nor others at the source', () => {
  const { isShut, fail } = makePenalties();
  fail('10.0.0.1', 'alice', 20);
  expect(isShut('10.0.0.1', 'alice')).toBe(true);
  expect(isShut('10.0.0.2', 'alice')).toBe(false);
  expect(isShut('10.0.0.1', 'bob')).toBe(false);
});

test('a source that tries many users waits, up to a second', () => {
  const { clock, isShut, fail } = makePenalties();
  for (let user = 0; user < 40; user++) fail('10.0.0.1', `user${user}`, 1);
  expect(isShut('10.0.0.1', 'alice')).toBe(true);
  expect(isShut('10.0.0.2', 'alice')).toBe(false);
  clock.ms += 1000;
  expect(isShut('10.0.0.1', 'alice')).toBe(false);
});

test.each([
  ['2001:db8::1', '2001:db8::ffff:2', true],
  ['2001:db8::1', '2001:db8:0:1::1', false],
  ['10.0.0.1', '::ffff:10.0.0.1', true],
])('the source of %s is that of %s: %s', (one, other, isSame) => {
  const { isShut, fail } = makePenalties();
  fail(one, 'alice', 5);
  expect(isShut(other, 'alice')).toBe(isSame);
});

test('a right password clears its user, and not what the source did to others', () => {
  const { penalties, isShut, fail } = makePenalties();
  fail('10.0.0.1', 'alice', 40);
  penalties.gate(from('10.0.0.1'), 'alice').tell(true);
  expect(isShut('10.0.0.1', 'alice')).toBe(true);
  const { penalties: others, isShut: isOtherShut, fail: failOther } = makePenalties();
  failOther('10.0.0.1', 'alice', 10);
  others.gate(from('10.0.0.1'), 'alice').tell(true);
  expect(isOtherShut('10.0.0.1', 'alice')).toBe(false);
});

test('all is forgotten ten minutes after the last wrong password', () => {
  const { clock, isShut, fail } = makePenalties();
  fail('10.0.0.1', 'alice', 10);
  clock.ms += 601_000;
  fail('10.0.0.1', 'alice', 3);
  expect(isShut('10.0.0.1', 'alice')).toBe(false);
});

test('what is remembered is bounded: many users of one source push out each other, but not the source', () => {
  const { isShut, fail } = makePenalties();
  for (let user = 0; user < 20_000; user++) fail('10.0.0.1', `user${user}`, 1);
  expect(isShut('10.0.0.1', 'user0')).toBe(true);
});

test.each([
  [9_999, true],
  [10_000, false],
])(
  'what is remembered is bounded: after wrong passwords of %i other users the first still waits: %s',
  (count, waits) => {
    const { isShut, fail } = makePenalties();
    fail('10.0.0.1', 'alice', 4);
    for (let user = 0; user < count; user++) fail(`10.1.${user >> 8}.${user & 255}`, `user${user}`, 1);
    expect(isShut('10.0.0.1', 'alice')).toBe(waits);
  },
);

test('a wait ends with its signal', async () => {
  const { penalties, fail } = makePenalties();
  fail('10.0.0.1', 'alice', 10);
  const leaving = new Abort();
  const waiting = penalties.gate(from('10.0.0.1'), 'alice').wait(leaving.signal);
  leaving.abort(new TunlError('connection_terminated', 'gone'));
  await expect(waiting).rejects.toMatchObject({ code: 'connection_terminated' });
});

test('guesses that come at once are hashed no faster than one after the other', async () => {
  const { clock, penalties } = makePenalties();
  let calls = 0;
  const stored = keepPassword(new Secret('right'));
  const table = new UserTable(
    new Map([['alice', { verify: (password: string) => (calls++, stored.verify(password)) }]]),
  );
  const leaving = new Abort();
  const attempt = (password: string, host: string, signal = leaving.signal) =>
    table.verify({ user: 'alice', password: new Secret(password) }, signal, penalties.gate(from(host), 'alice'));
  const guesses = Array.from({ length: 20 }, (_, index) => attempt(`guess ${index}`, '10.0.0.1'));
  // The right password of another source stands behind all of them.
  expect(await attempt('right', '10.0.0.2')).toBe(true);
  expect(calls).toBe(5);
  // Meanwhile the right one waits at the source that guesses.
  const here = attempt('right', '10.0.0.1');
  leaving.abort(new TunlError('connection_terminated', 'gone'));
  await expect(here).rejects.toMatchObject({ code: 'connection_terminated' });
  const outcomes = await Promise.allSettled(guesses);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  clock.ms += 4000;
  expect(await attempt('right', '10.0.0.1', new Abort().signal)).toBe(true);
});
