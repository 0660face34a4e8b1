import { expect, test } from 'vitest';
import { exitOf } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { failureOf } from '../../conformance/carrier-bed.ts';
import { connectRefused, expectEcho, type Manners, startModesBed, waysOf } from '../../support/harness/modes-bed.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

/** A front end that lets nothing through but poll. */
const onlyPoll = { ...connectRefused, 'h1 GET': 400, 'h2 POST': 413 } as const;

const user = { user: 'alice', password: 'sesame' };

test.each<[string, Manners]>([
  ['at once', {}],
  ['in another mode', connectRefused],
  ['while the first mode says nothing', { 'h2 CONNECT': 'silent' }],
  ['in poll', onlyPoll],
])('a wrong password is sent once, %s', async (_, manners) => {
  const credentials = { user: user.user, password: new Secret('wrong') };
  const { dial, front, serve } = await startModesBed(manners, {
    serve: { users: { single: user } },
    hop: { credentials },
  });
  const error = await failureOf(dial());
  expect([error.code, exitOf(error)]).toEqual(['auth_required', 67]);
  // One that was not answered may not have been read.
  const answered = front.seen.filter(({ way, login }) => login && manners[way] === undefined);
  expect(answered).toHaveLength(1);
  expect(front.seen.length).toBeLessThan(7);
  const again = await failureOf(dial());
  expect(again.facts.hints?.join()).toMatch(/it was not sent again/);
  expect(front.seen.filter(({ way, login }) => login && manners[way] === undefined)).toHaveLength(1);
  expect(serve.eventsOf('tunnel.opened')).toEqual([]);
});

test.each<[string, Manners]>([
  ['at once', {}],
  ['in another mode', connectRefused],
  ['while the first mode says nothing', { 'h2 CONNECT': 'silent' }],
  ['in poll', onlyPoll],
  ['in poll while the first mode says nothing', { ...onlyPoll, 'h2 CONNECT': 'silent' }],
])('the right password opens a tunnel of its user, %s', async (_, manners) => {
  const credentials = { user: user.user, password: new Secret(user.password) };
  const { dial, serve } = await startModesBed(manners, { serve: { users: { single: user } }, hop: { credentials } });
  const began = performance.now();
  await expectEcho(await dial((await startTarget(echo)).address));
  expect(performance.now() - began).toBeLessThan(3500);
  expect(serve.eventsOf('tunnel.opened')).toMatchObject([{ user: user.user }]);
});

test.each([401, 407])('a front end that answers %i ends it', async (status) => {
  const { dial, front } = await startModesBed({ 'h2 CONNECT': status, 'h1 CONNECT': status });
  const error = await failureOf(dial());
  expect([exitOf(error), waysOf(front)]).toEqual([67, expect.not.arrayContaining(['h2 POST'])]);
});
