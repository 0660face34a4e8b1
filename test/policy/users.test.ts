import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Abort } from '../../src/core/abort.ts';
import { TunlError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { StoredPassword } from '../../src/policy/password.ts';
import { UserTable } from '../../src/policy/users.ts';

/** A stored password that counts the work done for it, and the most that was done at once. */
class Counted implements StoredPassword {
  readonly password: string;
  calls = 0;
  atOnce = 0;
  peak = 0;

  constructor(password: string) {
    this.password = password;
  }

  async verify(password: string): Promise<boolean> {
    this.calls += 1;
    this.atOnce += 1;
    this.peak = Math.max(this.peak, this.atOnce);
    await setImmediate();
    this.atOnce -= 1;
    return password === this.password;
  }
}

const never = new Abort().signal;
const as = (user: string, password: string) => ({ user, password: new Secret(password) });

test('knows its users and nobody else', async () => {
  const table = new UserTable(
    new Map([
      ['ann', new Counted('a:b')],
      ['bob', new Counted('b')],
    ]),
  );
  expect(await table.verify(as('ann', 'a:b'), never)).toBe(true);
  expect(await table.verify(as('bob', 'b'), never)).toBe(true);
  expect(await table.verify(as('ann', 'b'), never)).toBe(false);
  expect(await table.verify(as('bob', 'a:b'), never)).toBe(false);
  expect(await table.verify(as('ann:a', 'b'), never)).toBe(false);
});

test("an empty password is nobody's, and an empty table has no user", async () => {
  const stored = new Counted('');
  expect(await new UserTable(new Map([['ann', stored]])).verify(as('ann', ''), never)).toBe(false);
  expect(await new UserTable(new Map()).verify(as('ann', 'a'), never)).toBe(false);
});

test("an unknown user costs the work of a known one and gets in with nobody's password", async () => {
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]));
  expect(await table.verify(as('eve', 'right'), never)).toBe(false);
  expect(stored.calls).toBe(1);
  expect(await table.verify(as('eve', 'right'), never)).toBe(false);
  expect(stored.calls).toBe(2);
});

test('the same unknown user always costs the same work', async () => {
  const all = Array.from({ length: 8 }, (_, index) => new Counted(`p${index}`));
  const table = new UserTable(new Map(all.map((stored, index) => [`u${index}`, stored])));
  for (let round = 0; round < 5; round++) await table.verify(as('eve', `guess ${round}`), never);
  expect(all.map(({ calls }) => calls).filter((calls) => calls > 0)).toEqual([5]);
});

test('right credentials are hashed once in a while, wrong ones each time', async () => {
  let nowMs = 1;
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]), () => nowMs);
  for (let round = 0; round < 3; round++) expect(await table.verify(as('ann', 'right'), never)).toBe(true);
  expect(stored.calls).toBe(1);
  for (let round = 0; round < 3; round++) expect(await table.verify(as('ann', 'wrong'), never)).toBe(false);
  expect(stored.calls).toBe(4);
  nowMs += 59_000;
  expect(await table.verify(as('ann', 'right'), never)).toBe(true);
  expect(stored.calls).toBe(4);
  nowMs += 2000;
  expect(await table.verify(as('ann', 'right'), never)).toBe(true);
  expect(stored.calls).toBe(5);
});

test('remembers a user with a password, not their letters in a row', async () => {
  const table = new UserTable(new Map([['ann', new Counted('ab')]]));
  expect(await table.verify(as('ann', 'ab'), never)).toBe(true);
  expect(await table.verify(as('anna', 'b'), never)).toBe(false);
  expect(await table.verify(as('an', 'nab'), never)).toBe(false);
});

test('the same credentials at once are hashed once', async () => {
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]));
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => table.verify(as('ann', 'right'), never)));
  expect(verdicts.every(Boolean)).toBe(true);
  expect(stored.calls).toBe(1);
});

test('different credentials at once are hashed one after the other', async () => {
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]));
  const verdicts = await Promise.all(
    ['a', 'b', 'right', 'c'].map((password) => table.verify(as('ann', password), never)),
  );
  expect(verdicts).toEqual([false, false, true, false]);
  expect([stored.calls, stored.peak]).toEqual([4, 1]);
});

test('a hash that fails is told to its caller and does not stop the others', async () => {
  const broken = { verify: () => Promise.reject(new Error('broken')) };
  const table = new UserTable(
    new Map<string, StoredPassword>([
      ['ann', broken],
      ['bob', new Counted('b')],
    ]),
  );
  const [ann, bob] = await Promise.allSettled([
    table.verify(as('ann', 'a'), never),
    table.verify(as('bob', 'b'), never),
  ]);
  expect(ann).toMatchObject({ status: 'rejected' });
  expect(bob).toEqual({ status: 'fulfilled', value: true });
});

test('what nobody waits for any more is not hashed, and holds up nobody', async () => {
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]));
  const leaving = new Abort();
  const guess = (index: number) => table.verify(as('eve', `guess ${index}`), leaving.signal);
  const guesses = Promise.allSettled(Array.from({ length: 50 }, (_, index) => guess(index)));
  leaving.abort(new TunlError('connection_terminated', 'gone'));
  expect(await table.verify(as('ann', 'right'), never)).toBe(true);
  for (const left of await guesses) expect(left).toMatchObject({ reason: { code: 'connection_terminated' } });
  expect(stored.calls).toBeLessThan(3);
});

test('who waits for the same work as somebody who left still has its result', async () => {
  const stored = new Counted('right');
  const table = new UserTable(new Map([['ann', stored]]));
  const leaving = new Abort();
  const first = table.verify(as('ann', 'right'), leaving.signal);
  const second = table.verify(as('ann', 'right'), never);
  leaving.abort(new Error('left'));
  await expect(first).rejects.toMatchObject({ code: 'interrupted' });
  expect(await second).toBe(true);
  expect(stored.calls).toBe(1);
});
