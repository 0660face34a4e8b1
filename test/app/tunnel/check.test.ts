import { expect, onTestFinished, test, vi } from 'vitest';
import { checkTargets } from '../../../src/app/tunnel/check.ts';
import type { TcpAddress } from '../../../src/core/address.ts';
import type { Dial } from '../../../src/core/dialer.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import { linkPair } from '../../../src/core/link.ts';
import { makeHop, makeRoute, startTestServe } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';

const never = new AbortController().signal;
const [first, second]: TcpAddress[] = [1, 2].map((port) => ({ kind: 'tcp', host: 'db', port })) as TcpAddress[];
const targets = [first as TcpAddress, second as TcpAddress];

test('dials each target once, sends nothing and ends cleanly', async () => {
  const peers: RawPeer[] = [];
  const dialled: number[] = [];
  const dial: Dial = (address, { onDialled }) => {
    const { port } = address as TcpAddress;
    dialled.push(port);
    onDialled?.({ target: address, via: Array.from({ length: port }, (_, index) => `http://p${index}:1`), stages: [] });
    const [near, far] = linkPair();
    peers.push(new RawPeer(far));
    return Promise.resolve(near);
  };
  const events: TunlEvent[] = [];
  await checkTargets(dial, targets, { emit: (event) => void events.push(event), signal: never });
  expect(dialled).toEqual([1, 2]);
  for (const peer of peers) expect(await peer.readToEnd()).toHaveLength(0);
  expect(events).toEqual(
    [/^db:1 is reachable through 1 hop in \d+ ms$/, /^db:2 is reachable through 2 hops in \d+ ms$/].map((message) => ({
      event: 'notice',
      level: 'verbose',
      message: expect.stringMatching(message) as string,
      isAnswer: true,
    })),
  );
});

/** A dial whose last hop took so long to say yes. */
const yesAfter =
  (answerMs: number, act: (far: RawPeer) => void): Dial =>
  (_address, { onProgress }) => {
    const [near, far] = linkPair();
    onProgress?.({ phase: 'handshake', hop: 1, detail: 'db:1', ms: answerMs });
    act(new RawPeer(far));
    return Promise.resolve(near);
  };

test.each([
  ['300 ms where the hop was quick', 1, 300],
  ['twice as long as the hop took', 400, 800],
  ['at most 2 s', 5000, 2000],
])('watches a tunnel for %s', async (_, answerMs, watchedMs) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let isDone = false;
  const runtime = { emit: () => {}, signal: never };
  const checked = checkTargets(
    yesAfter(answerMs, () => {}),
    [targets[0] as TcpAddress],
    runtime,
  ).then(() => (isDone = true));
  await vi.advanceTimersByTimeAsync(watchedMs - 1);
  expect(isDone).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await checked).toBe(true);
});

test('an end that comes in pieces of what may be an answer in HTTP is judged by what came', async () => {
  const dial = yesAfter(1, (far) => {
    far.send('HT');
    far.fin();
  });
  await checkTargets(dial, [targets[0] as TcpAddress], { emit: () => {}, signal: never });
});

test('is given up when it is told to', async () => {
  const stop = new AbortController();
  const checked = checkTargets(
    yesAfter(1, () => {}),
    targets,
    { emit: () => {}, signal: stop.signal },
  );
  stop.abort(new TunlError('interrupted', 'stopped'));
  await expect(checked).rejects.toMatchObject({ code: 'interrupted' });
});

test('fails as the first target in their order fails, whichever fails sooner', async () => {
  let failFirst: (error: TunlError) => void = () => {};
  const dial: Dial = (address) => {
    if (address !== first) return Promise.reject(new TunlError('dns_error', 'sooner'));
    return new Promise((_, reject) => (failFirst = reject));
  };
  const checked = checkTargets(dial, targets, { emit: () => {}, signal: never });
  failFirst(new TunlError('connection_refused', 'in order'));
  await expect(checked).rejects.toMatchObject({ code: 'connection_refused', message: 'in order' });
});

test.each(['http', 'h2c', 'post+h2c'])('is a clean end in the records of a proxy over %s', async (scheme) => {
  const [serve, target] = [await startTestServe({ accept: ['post'] }), await startTarget(echo)];
  const { dial } = await makeRoute([makeHop(scheme, serve.port)]);
  await checkTargets(dial, [{ kind: 'tcp', host: '127.0.0.1', port: target.port }], { emit: () => {}, signal: never });
  await eventually(() => serve.eventsOf('tunnel.closed').map(({ end }) => end), ['clean']);
});
