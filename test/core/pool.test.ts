import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { Pool, type Pooled } from '../../src/core/pool.ts';

/** A connection whose places are taken and given back by the test. */
class FakeConnection implements Pooled {
  load = 0;
  usable = true;
  readonly capacity: number;
  readonly closed: string[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  close(mode: 'drain' | 'now') {
    this.closed.push(mode);
    this.usable = false;
    return Promise.resolve();
  }
}

interface Held {
  readonly signal: AbortSignal;
  /** Finishes the opening with a connection of this capacity. */
  finish(capacity: number): FakeConnection;
  fail(error: Error): void;
}

/** A pool whose connections are opened when the test says so. Each use takes a place and keeps it. */
function makePool(sharesOpenings = true) {
  const pool = new Pool<FakeConnection>(sharesOpenings);
  const held: Held[] = [];
  const open = (signal: AbortSignal) =>
    new Promise<FakeConnection>((resolve, reject) => {
      const finish = (capacity: number) => {
        const connection = new FakeConnection(capacity);
        resolve(connection);
        return connection;
      };
      held.push({ signal, finish, fail: reject });
    });
  const use = ({ key = 'a', from = 'any' as 'any' | 'fresh', signal = new AbortController().signal } = {}) =>
    pool.use({ key, signal, from, open }, (connection, isKept) => {
      connection.load++;
      return Promise.resolve({ connection, isKept });
    });
  return { pool, held, use };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Uses a new connection of this capacity. */
async function useFirst({ held, use }: ReturnType<typeof makePool>, capacity: number): Promise<FakeConnection> {
  const using = use();
  await settle();
  held.at(-1)?.finish(capacity);
  return (await using).connection;
}

describe('a connection with room', () => {
  test('is used again, and known to have been used', async () => {
    const bed = makePool();
    const first = await useFirst(bed, 2);
    expect(await bed.use()).toEqual({ connection: first, isKept: true });
    expect(bed.held.length).toBe(1);
  });

  test('is used by those that it was opened for only', async () => {
    const bed = makePool();
    await useFirst(bed, 10);
    void bed.use({ key: 'b' });
    await settle();
    expect(bed.held.length).toBe(2);
  });

  test('is not used by who wants a fresh one, whose opening is nobody else’s', async () => {
    const bed = makePool();
    const first = await useFirst(bed, 10);
    const fresh = [bed.use({ from: 'fresh' }), bed.use({ from: 'fresh' })];
    await settle();
    expect(bed.held.length).toBe(3);
    for (const { finish } of bed.held.slice(1)) finish(10);
    const used = await Promise.all(fresh);
    expect(used.map(({ isKept }) => isKept)).toEqual([false, false]);
    expect(new Set([first, ...used.map(({ connection }) => connection)]).size).toBe(3);
  });

  test('is not used once it is full, and again when a place is given back', async () => {
    const bed = makePool(false);
    const first = await useFirst(bed, 1);
    void bed.use();
    await settle();
    expect(bed.held.length).toBe(2);
    first.load = 0;
    expect(await bed.use()).toEqual({ connection: first, isKept: true });
  });
});

describe('an opening', () => {
  test('is shared, and what it gives is never overfilled', async () => {
    const bed = makePool();
    const using = Array.from({ length: 5 }, () => bed.use());
    await settle();
    expect(bed.held.length).toBe(1);
    bed.held[0]?.finish(2);
    await settle();
    // Those for whom there was no room open the connections that they need at the same time.
    expect(bed.held.length).toBe(3);
    bed.held[1]?.finish(2);
    bed.held[2]?.finish(2);
    const used = await Promise.all(using);
    expect([...new Set(used.map(({ connection }) => connection))].map(({ load }) => load)).toEqual([2, 2, 1]);
  });

  test('is not shared once connections are known to have room for one', async () => {
    const bed = makePool();
    await useFirst(bed, 1);
    void bed.use();
    void bed.use();
    await settle();
    expect(bed.held.length).toBe(3);
  });

  test('fails for all who wait', async () => {
    const bed = makePool();
    const verdicts = [bed.use(), bed.use()].map((using) => expect(using).rejects.toThrow('refused'));
    await settle();
    bed.held[0]?.fail(new Error('refused'));
    await Promise.all(verdicts);
    expect(bed.held.length).toBe(1);
  });

  test('is given up with the last who waits, and what it gives all the same is closed', async () => {
    const bed = makePool();
    const aborts = [new AbortController(), new AbortController()];
    const verdicts = aborts.map(({ signal }) => expect(bed.use({ signal })).rejects.toThrow('gone'));
    await settle();
    aborts[0]?.abort(new TunlError('interrupted', 'gone'));
    expect(bed.held[0]?.signal.aborted).toBe(false);
    aborts[1]?.abort(new TunlError('interrupted', 'gone'));
    expect(bed.held[0]?.signal.aborted).toBe(true);
    await Promise.all(verdicts);
    void bed.use();
    await settle();
    expect(bed.held.length).toBe(2);
    const late = bed.held[0]?.finish(10);
    await settle();
    expect(late?.closed).toEqual(['drain']);
  });

  test('is not begun for who has left', async () => {
    const bed = makePool();
    const signal = AbortSignal.abort(new TunlError('interrupted', 'gone'));
    await expect(bed.use({ signal })).rejects.toThrow('gone');
    expect(bed.held).toEqual([]);
  });
});

test('a connection that is used up by its first use is not kept', async () => {
  const pool = new Pool<FakeConnection>(false);
  const connection = new FakeConnection(1);
  await pool.use(
    { key: '', signal: new AbortController().signal, from: 'any', open: () => Promise.resolve(connection) },
    (used) => {
      used.usable = false;
      return Promise.resolve();
    },
  );
  await pool.close();
  expect(connection.closed).toEqual([]);
});

describe('renewing', () => {
  test('lets what is open live on, and uses other connections from then on', async () => {
    const bed = makePool();
    const first = await useFirst(bed, 10);
    bed.pool.renew();
    expect(first.closed).toEqual(['drain']);
    expect(await useFirst(bed, 10)).not.toBe(first);
  });

  test('makes those who wait wait for another connection', async () => {
    const bed = makePool();
    const using = bed.use();
    await settle();
    bed.pool.renew();
    const outdated = bed.held[0]?.finish(10);
    await settle();
    expect([outdated?.load, outdated?.closed]).toEqual([0, ['drain']]);
    const renewed = bed.held[1]?.finish(10);
    expect((await using).connection).toBe(renewed);
  });
});

describe('closing', () => {
  test('drains first, and ends what is left', async () => {
    const bed = makePool();
    const connection = await useFirst(bed, 10);
    await bed.pool.close();
    expect(connection.closed).toEqual(['drain', 'now']);
  });

  test('serves those who still come, and keeps nothing for later', async () => {
    const bed = makePool();
    await bed.pool.close();
    const connection = await useFirst(bed, 10);
    expect([connection.load, connection.closed]).toEqual([1, []]);
    await settle();
    expect(connection.closed).toEqual(['drain']);
  });
});

describe('time', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('closes a connection that carried nothing for a minute or two, and no other', async () => {
    const bed = makePool();
    const connection = await useFirst(bed, 10);
    vi.advanceTimersByTime(600_000);
    expect(connection.closed).toEqual([]);
    connection.load = 0;
    vi.advanceTimersByTime(60_000);
    connection.load = 1;
    vi.advanceTimersByTime(60_000);
    connection.load = 0;
    vi.advanceTimersByTime(60_000);
    expect(connection.closed).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(connection.closed).toEqual(['drain']);
  });
});
