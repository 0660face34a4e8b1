import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/core/carrier.ts';
import type { DialContext } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import { linkPair } from '../../src/core/link.ts';
import { SessionPool } from '../../src/dial/pool.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const makeContext = (signal = new AbortController().signal): DialContext => ({ signal, target, origin: { peer: {} } });

class FakeSession implements Session {
  load = 0;
  usable = true;
  closed: string[] = [];
  readonly capacity: number;
  failures: TunlError[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  tunnel() {
    this.load++;
    const failure = this.failures.shift();
    if (!failure) return Promise.resolve(linkPair()[0]);
    this.load--;
    return Promise.reject(failure);
  }

  close(mode: 'drain' | 'now') {
    this.closed.push(mode);
    return Promise.resolve();
  }
}

/** A pool whose sessions are made when the test says so. */
function makePool(capacity: number) {
  const opened: FakeSession[] = [];
  const waiting: { finish: () => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const pool = new SessionPool({
    keyOf: ({ origin }) => origin.peer.identity ?? '',
    isShared: true,
    open: (_address, { signal }) =>
      new Promise((resolve, reject) => {
        const finish = () => {
          const session = new FakeSession(capacity);
          opened.push(session);
          resolve(session);
        };
        waiting.push({ finish, fail: reject, signal });
      }),
    tunnel: (session, address, ctx) => session.tunnel(address, ctx),
  });
  return { pool, opened, waiting };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('sessions that carry many tunnels', () => {
  test('first requests share one opening', async () => {
    const { pool, opened, waiting } = makePool(100);
    const tunnels = Array.from({ length: 50 }, () => pool.tunnel(target, makeContext()));
    await settle();
    expect(waiting.length).toBe(1);
    waiting[0]?.finish();
    await Promise.all(tunnels);
    expect(opened.map(({ load }) => load)).toEqual([50]);
  });

  test('a full session is never overfilled: the next one is opened', async () => {
    const { pool, opened, waiting } = makePool(2);
    const tunnels = Array.from({ length: 5 }, () => pool.tunnel(target, makeContext()));
    for (let round = 0; round < 3; round++) {
      await settle();
      waiting[round]?.finish();
    }
    await Promise.all(tunnels);
    expect(opened.map(({ load }) => load)).toEqual([2, 2, 1]);
  });

  test('one that is not usable any more is replaced', async () => {
    const { pool, opened, waiting } = makePool(10);
    const first = pool.tunnel(target, makeContext());
    await settle();
    waiting[0]?.finish();
    await first;
    (opened[0] as FakeSession).usable = false;
    const second = pool.tunnel(target, makeContext());
    await settle();
    waiting[1]?.finish();
    await second;
    expect(opened.map(({ load }) => load)).toEqual([1, 1]);
  });

  test('what the hop did not act on is tried once more, on a fresh session', async () => {
    const { pool, opened, waiting } = makePool(10);
    const first = pool.tunnel(target, makeContext());
    await settle();
    waiting[0]?.finish();
    await first;
    const refused = () => new TunlError('http_response_incomplete', 'REFUSED_STREAM', { unprocessed: true });
    (opened[0] as FakeSession).failures.push(refused());
    const second = pool.tunnel(target, makeContext());
    await settle();
    waiting[1]?.finish();
    await second;
    expect(opened.map(({ load }) => load)).toEqual([1, 1]);
  });

  test('any other failure is not repeated', async () => {
    const { pool, opened, waiting } = makePool(10);
    const first = pool.tunnel(target, makeContext());
    await settle();
    waiting[0]?.finish();
    await first;
    (opened[0] as FakeSession).failures.push(new TunlError('hop_refused', '403'));
    await expect(pool.tunnel(target, makeContext())).rejects.toMatchObject({ code: 'hop_refused' });
    expect(waiting.length).toBe(1);
  });

  test('tunnels with different keys never share a session', async () => {
    const { pool, opened, waiting } = makePool(10);
    const askedBy = (identity: string) => ({ ...makeContext(), origin: { peer: { identity } } });
    const tunnels = ['alice', 'bob', 'alice'].map((identity) => pool.tunnel(target, askedBy(identity)));
    await settle();
    expect(waiting.length).toBe(2);
    for (const { finish } of waiting) finish();
    await Promise.all(tunnels);
    expect(opened.map(({ load }) => load)).toEqual([2, 1]);
  });

  test('closing lets what was written go out first', async () => {
    const { pool, opened, waiting } = makePool(10);
    const first = pool.tunnel(target, makeContext());
    await settle();
    waiting[0]?.finish();
    await first;
    await pool.close();
    expect(opened[0]?.closed).toEqual(['drain', 'now']);
  });
});

describe('waiting for a session', () => {
  test('ends when the opening fails, for all who wait', async () => {
    const { pool, waiting } = makePool(10);
    const tunnels = [pool.tunnel(target, makeContext()), pool.tunnel(target, makeContext())];
    const verdicts = tunnels.map((tunnel) => expect(tunnel).rejects.toMatchObject({ code: 'connection_refused' }));
    await settle();
    waiting[0]?.fail(new TunlError('connection_refused', 'no'));
    await Promise.all(verdicts);
    expect(waiting.length).toBe(1);
  });

  test('one who leaves does not stop the opening for the others; the last one does', async () => {
    const { pool, waiting } = makePool(10);
    const aborts = [new AbortController(), new AbortController()];
    const tunnels = aborts.map(({ signal }) => pool.tunnel(target, makeContext(signal)));
    const verdicts = tunnels.map((tunnel) => expect(tunnel).rejects.toMatchObject({ code: 'interrupted' }));
    await settle();
    aborts[0]?.abort(new TunlError('interrupted', 'gone'));
    expect(waiting[0]?.signal.aborted).toBe(false);
    aborts[1]?.abort(new TunlError('interrupted', 'gone'));
    expect(waiting[0]?.signal.aborted).toBe(true);
    await Promise.all(verdicts);
  });
});

test('sessions for a single tunnel are opened side by side once that is known, and not kept', async () => {
  const { pool, opened, waiting } = makePool(1);
  const first = pool.tunnel(target, makeContext());
  await settle();
  waiting[0]?.finish();
  await first;
  const more = Array.from({ length: 3 }, () => pool.tunnel(target, makeContext()));
  await settle();
  expect(waiting.length).toBe(4);
  for (const { finish } of waiting.slice(1)) finish();
  await Promise.all(more);
  expect(opened.map(({ load }) => load)).toEqual([1, 1, 1, 1]);
});
