import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from './deadline.ts';
import { Opening } from './opening.ts';

/** A connection without load is closed after between one and two of these, in milliseconds. */
const idleMs = 60_000;

/** How long connections may take to finish what they carry once their pool is closed, in milliseconds. */
const closingMs = 2000;

/** A connection that carries several things at a time, or one after the other. */
export interface Pooled {
  readonly capacity: number;
  readonly load: number;
  /** False once nothing more may be begun in it. */
  readonly usable: boolean;
  /** `drain` lets finish what it carries. */
  close(mode: 'drain' | 'now'): Promise<void>;
}

/** What is wanted of a pool. */
export interface Wanted<T> {
  /** Connections that were opened for one key are never used for another. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Opens a connection. The signal is aborted when nobody waits for it any more. */
  readonly open: (signal: AbortSignal) => Promise<T>;
  /** `fresh`: one that was not used before, and that nobody else waits for. */
  readonly from: 'any' | 'fresh';
}

/** Uses a connection. It must take its place there before it waits for anything; `isKept` is true where the connection was used before. */
export type Use<T, R> = (connection: T, isKept: boolean) => Promise<R>;

/** Connections, kept for as long as they can be used. */
export class Pool<T extends Pooled> {
  /** With the key that each was opened for. */
  readonly #kept = new Map<T, string>();
  readonly #idle = new WeakSet<T>();
  readonly #openings = new Map<string, Opening<T>>();
  /** Learned from the last connection: where each carries a single thing, nobody waits for another's. */
  #sharesOpenings: boolean;
  #generation = 0;
  #isClosed = false;
  #sweep: NodeJS.Timeout | undefined;

  /** `sharesOpenings` says whether the first connection is expected to have room for several. */
  constructor(sharesOpenings: boolean) {
    this.#sharesOpenings = sharesOpenings;
  }

  /**
   * Finds a connection with room, or opens one, and uses it in the same tick, so that two callers never count on the
   * same room.
   * @throws the signal's reason, what `open` throws, or what `use` throws
   */
  async use<R>(wanted: Wanted<T>, use: Use<T, R>): Promise<R> {
    const { key, signal } = wanted;
    const isFresh = wanted.from === 'fresh';
    for (;;) {
      throwIfAborted(signal);
      const found = isFresh ? undefined : this.#findRoom(key);
      if (found) return use(found, true);
      if (isFresh || !this.#sharesOpenings) return this.#useNew(wanted, use);
      const opened = await this.#joinOpening(wanted);
      // Waiters run in turn: whoever comes too late for the room in this one looks again.
      if (hasRoom(opened)) return use(opened, false);
    }
  }

  /** Uses the connections that there are for nothing more; what is open in them lives on. */
  renew(): void {
    this.#generation++;
    for (const connection of this.#kept.keys()) void connection.close('drain');
    this.#kept.clear();
  }

  /** Closes the connections that carry nothing at once, and the others once they have finished, or after a moment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweep);
    const all = [...this.#kept.keys()];
    this.#kept.clear();
    await Promise.race([
      Promise.all(all.map((connection) => connection.close('drain'))),
      delay(closingMs, undefined, { ref: false }),
    ]);
    await Promise.all(all.map((connection) => connection.close('now')));
  }

  async #useNew<R>({ key, signal, open }: Wanted<T>, use: Use<T, R>): Promise<R> {
    const generation = this.#generation;
    const opened = await open(signal);
    this.#sharesOpenings = opened.capacity > 1;
    const using = use(opened, false);
    // One for a single thing is used up by now.
    if (generation !== this.#generation) closeSoon(opened);
    else if (opened.usable) this.#keep(key, opened);
    return using;
  }

  #joinOpening({ key, signal, open }: Wanted<T>): Promise<T> {
    const known = this.#openings.get(key);
    if (known && !known.isGivenUp) return known.join(signal);
    const generation = this.#generation;
    const opening: Opening<T> = new Opening(async (abandoned) => {
      try {
        const opened = await open(abandoned);
        this.#sharesOpenings = opened.capacity > 1;
        // Those who wait for what was renewed meanwhile, or was given up, find no room in it.
        if (generation !== this.#generation || abandoned.aborted) void opened.close('drain');
        else this.#keep(key, opened);
        return opened;
      } finally {
        if (this.#openings.get(key) === opening) this.#openings.delete(key);
      }
    });
    this.#openings.set(key, opening);
    return opening.join(signal);
  }

  #keep(key: string, connection: T): void {
    if (this.#isClosed) return closeSoon(connection);
    this.#kept.set(connection, key);
    this.#sweep ??= setInterval(() => this.#closeIdle(), idleMs).unref();
  }

  #findRoom(key: string): T | undefined {
    for (const [connection, of] of this.#kept) {
      if (!connection.usable) this.#kept.delete(connection);
      else if (of === key && hasRoom(connection)) return connection;
    }
    return undefined;
  }

  #closeIdle(): void {
    for (const connection of this.#kept.keys()) {
      if (!connection.usable) this.#kept.delete(connection);
      else if (connection.load > 0) this.#idle.delete(connection);
      else if (!this.#idle.has(connection)) this.#idle.add(connection);
      else {
        this.#kept.delete(connection);
        void connection.close('drain');
      }
    }
  }
}

function hasRoom({ usable, load, capacity }: Pooled): boolean {
  return usable && load < capacity;
}

/** Whoever has just been given it begins first. */
function closeSoon(connection: Pooled): void {
  setImmediate(() => void connection.close('drain'));
}
