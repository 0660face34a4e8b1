import { expect, test } from 'vitest';
import type { StreamClient } from '../../src/core/exchange.ts';
import { FarEnds } from '../../src/resume/far.ts';
import { type AttachRequest, type OpenAnswer, readField, writeField } from '../../src/resume/fields.ts';
import { kinds, makeFrame } from '../../src/resume/frames.ts';
import { agree, makeKeyPair, prove } from '../../src/resume/keys.ts';
import { StreamMemory } from '../../src/resume/memory.ts';
import { wheel } from '../../src/core/wheel.ts';
import { amount } from '../support/amounts.ts';
import { turn } from '../support/turns.ts';
import { App, makePipe, toLink } from '../support/harness/resume-parts.ts';
import type { ResumableStream } from '../../src/resume/stream.ts';

const ann: StreamClient = { stage: 'serve', user: 'ann', source: '192.0.2.1' };

/** Opens a stream as a near end would, and returns what it takes to go on with it. */
function open(ends: FarEnds, client = ann, { confirms = true, holdMs = 60_000 } = {}) {
  const pair = makeKeyPair();
  const answer = ends.open({ kind: 'open', key: pair.publicKey, hold: 600 }, client, holdMs);
  const opened = readField([answer.field]) as OpenAnswer;
  const { near, far } = makePipe();
  const link = answer.start(toLink(far));
  const app = new App(link.flow as ResumableStream, 'far', []);
  if (confirms) {
    near.write(makeFrame(kinds.ping, 0));
    far.deliver(100);
  }
  const cut = async () => {
    far.break(new Error('cut'));
    await turn();
  };
  const key = agree('near', pair, opened.key);
  const claim = (count: number, sent = 0, received = 0): AttachRequest => {
    const claimed = { id: opened.id, count, offsets: { sent, received } };
    return { kind: 'attach', ...claimed, proof: prove(key, 'near', claimed) };
  };
  return { link, app, opened, cut, claim };
}

test('only the client that has opened a stream, with its key and a fresh number, may go on with it', async () => {
  const ends = new FarEnds();
  const { cut, claim, opened, app } = open(ends);
  await cut();
  const stranger = makeKeyPair();
  const wrong = agree('near', makeKeyPair(), stranger.publicKey);
  const claimed = { id: opened.id, count: 1, offsets: { sent: 0, received: 0 } };
  const stolen: AttachRequest = { kind: 'attach', ...claimed, proof: prove(wrong, 'near', claimed) };
  const unknown: AttachRequest = { ...claim(1), id: 'A'.repeat(22) };
  expect(ends.resume(stolen, ann)).toBe('unknown');
  expect(ends.resume(unknown, ann)).toBe('unknown');
  expect(ends.resume({ ...claim(1), count: 2 }, ann)).toBe('unknown');
  expect(ends.resume({ ...claim(1), offsets: { sent: 1, received: 0 } }, ann)).toBe('unknown');
  expect(ends.resume(claim(1), { ...ann, user: 'bob' })).toBe('unknown');
  expect(ends.resume(claim(1), { ...ann, user: undefined })).toBe('unknown');
  expect(ends.resume(claim(1), { ...ann, stage: 'other' })).toBe('unknown');
  expect(app.seesReset).toBe(false);
  const moved = { ...ann, source: '198.51.100.7' };
  const answer = ends.resume(claim(1), moved);
  expect(answer).toMatchObject({ field: ['Tunl-Resume', expect.stringMatching(/^attached; /)] });
  expect(ends.resume(claim(1), ann)).toBe('used');
});

test('offsets that lie end the stream', async () => {
  const ends = new FarEnds();
  const { cut, claim, app } = open(ends);
  await cut();
  expect(ends.resume(claim(1, 0, 5), ann)).toBe('unknown');
  expect(app.seesReset).toBe(true);
  expect(ends.size).toBe(0);
});

test('a stream whose client has not shown that it knows it ends with its transport', async () => {
  const ends = new FarEnds();
  for (let count = 0; count < 100; count++) {
    const { cut, app } = open(ends, ann, { confirms: false });
    await cut();
    expect(app.seesReset).toBe(true);
  }
  expect(ends.size).toBe(0);
});

test('the longest abandoned goes first: of an owner with too many, and of all', async () => {
  const ends = new FarEnds({ total: 5, perOwner: 3 });
  const of = async (user: string | undefined, source: string) => {
    const opened = open(ends, { stage: 'serve', user, source });
    await opened.cut();
    return opened.app;
  };
  const bob = await of('bob', 'a');
  const anns = [await of('ann', 'a'), await of('ann', 'b'), await of('ann', 'c')];
  const isGone = (apps: readonly App[]) => apps.map(({ seesReset }) => seesReset);
  anns.push(await of('ann', 'd'));
  expect(isGone(anns)).toEqual([true, false, false, false]);
  const others = [await of(undefined, 'a'), await of(undefined, 'b')];
  expect(isGone([bob, ...anns.slice(1), ...others])).toEqual([true, false, false, false, false, false]);
  expect(ends.size).toBe(5);
});

test('without memory, those that wait longest go, and no others', async () => {
  const memory = new StreamMemory(1_000_000);
  const ends = new FarEnds({ memory });
  const all = Array.from({ length: 4 }, () => open(ends));
  for (const { app, cut } of all.slice(0, 3)) {
    await cut();
    app.write(300_000);
  }
  await turn();
  expect(all.map(({ app }) => app.seesReset)).toEqual([false, false, false, false]);
  all[3]?.app.write(300_000);
  await turn();
  expect(all.map(({ app }) => app.seesReset)).toEqual([true, false, false, false]);
  expect(memory.bytes).toBeLessThan(1_000_000);
});

test('abandoned streams expire, and leave nothing behind', async () => {
  const total = amount(500, 10_000);
  const memory = new StreamMemory(Infinity);
  const ends = new FarEnds({ total, perOwner: total, memory });
  const apps: App[] = [];
  for (let count = 0; count < total; count++) {
    const { app, cut } = open(ends, ann, { holdMs: 60_000 });
    app.write(50);
    await cut();
    apps.push(app);
  }
  expect(ends.size).toBe(total);
  ends.onTick(wheel.now + 20);
  expect(ends.size).toBe(total);
  ends.onTick(wheel.now + 61);
  expect(ends.size).toBe(0);
  expect(memory.bytes).toBe(0);
  expect(apps.every(({ seesReset }) => seesReset)).toBe(true);
});

test('a stream that nobody will resume ends with its transport', async () => {
  const ends = new FarEnds();
  const { app, cut } = open(ends, ann, { holdMs: 0 });
  app.write(50);
  await cut();
  expect([ends.size, app.seesReset]).toEqual([0, true]);
});

const broken = [
  'open',
  'open; key=abc; hold=10',
  `open; key=${'A'.repeat(43)}`,
  `open; key=${'A'.repeat(43)}; hold=-1`,
  `open; key=${'A'.repeat(43)}; key=${'A'.repeat(43)}; hold=9`,
  `open; key=${'A'.repeat(43)}; hold=10; hold`,
  `attach; id=${'A'.repeat(22)}; count=0; sent=0; received=0; proof=${'A'.repeat(43)}`,
  `attach; id=${'A'.repeat(22)}; count=1; sent=99999999999999999; received=0; proof=${'A'.repeat(43)}`,
  `attach; id=${'A'.repeat(22)}; count=1; sent=-1; received=0; proof=${'A'.repeat(43)}`,
  'close',
  `open; key=${'A'.repeat(43)}; hold=10; x=${'x'.repeat(5000)}`,
];

test('a field with anything amiss is not understood', () => {
  for (const value of broken) expect([value, readField([['tunl-resume', value]])]).toEqual([value, 'broken']);
});

test('a field that comes twice is not understood, and none is none', () => {
  const field = writeField({ kind: 'open', key: makeKeyPair().publicKey, hold: 600 });
  expect(readField([field])).toMatchObject({ kind: 'open', hold: 600 });
  expect(readField([field, field])).toBe('broken');
  expect(readField([['Tunl-Resumed', field[1]]])).toBeUndefined();
});

test('a public key with a predictable result is refused', () => {
  const zero = Buffer.alloc(32).toString('base64url');
  expect(() => new FarEnds().open({ kind: 'open', key: zero, hold: 600 }, ann, 60_000)).toThrow('is not valid');
});
