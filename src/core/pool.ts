import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from './deadline.ts';
import { Opening } from './waiting.ts';

/** The interval of the idle sweep, in milliseconds: an idle connection is closed after one to two intervals. */
const idleMs = 60_000;

/** The time that connections have to finish their work once the pool is closed, in milliseconds. */
const closingMs = 2000;

/** A connection that a pool can keep. `load` is the number of tunnels or requests that it carries now, `capacity` the most that it can. */
export interface Pooled {
  readonly capacity: number;
  readonly load: number;
  /** False once the connection accepts no more work. */
  readonly usable: boolean;
  /** Closes the connection; `drain` lets it finish its work first. */
  close(mode: 'drain' | 'now'): Promise<void>;
}

/** A request for a connection. */
export interface Wanted<T> {
  /** A connection opened for one key is never used for another. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Opens a connection. The signal is aborted when no caller waits for it any more. */
  readonly open: (signal: AbortSignal) => Promise<T>;
  /** `fresh`: a connection that was never used, and that no other caller waits for. */
  readonly from: 'any' | 'fresh';
}

/** Uses a connection. It must increase the load before it waits for anything. `isKept` is true if the connection came from the pool. */
export type Use<T, R> = (connection: T, isKept: boolean) => Promise<R>;

/** Keeps connections and shares them among callers. */
export class Pool<T extends Pooled> {
  /** The connections, each with the key that it was opened for. */
  readonly #kept = new Map<T, string>();
  readonly #idle = new WeakSet<T>();
  /** The last connection that is being opened for each key. */
  readonly #openings = new Map<string, Opening<T>>();
  /**
   * The most callers that wait for the same connection: the capacity of the last one. Further ones open another
   * meanwhile; they would all wake with the others, to find it full.
   */
  #seats: number;
  #generation = 0;
  #isClosed = false;
  #sweep: NodeJS.Timeout | undefined;

  readonly #most: number;

  /**
   * @param sharesOpenings true if the first connection is expected to have a capacity above 1
   * @param most the number of connections beyond which idle ones are closed, the oldest first
   */
  constructor(sharesOpenings: boolean, most = Infinity) {
    this.#seats = sharesOpenings ? Infinity : 1;
    this.#most = most;
  }

  /**
   * Finds a connection with room or opens one, and uses it in the same tick, so that two callers never take the same
   * room.
   * @throws the signal's reason, what `open` throws, or what `use` throws
   */
  use<R>(wanted: Wanted<T>, use: Use<T, R>): Promise<R> {
    const { key, signal, from } = wanted;
    const found = from === 'fresh' || signal.aborted ? undefined : this.#findRoom(key);
    return found ? use(found, true) : this.#useLater(wanted, use);
  }

  /** Uses a connection that may have to be opened first. */
  async #useLater<R>(wanted: Wanted<T>, use: Use<T, R>): Promise<R> {
    const { key, signal } = wanted;
    const isFresh = wanted.from === 'fresh';
    for (;;) {
      throwIfAborted(signal);
      const found = isFresh ? undefined : this.#findRoom(key);
      if (found) return use(found, true);
      if (isFresh || this.#seats <= 1) return this.#useNew(wanted, use);
      const opened = await this.#joinOpening(wanted);
      // Waiters run in turn: a waiter that finds this connection full looks for another.
      if (hasRoom(opened)) return use(opened, false);
    }
  }

  /** Stops using the present connections for new work; their tunnels and requests live on. */
  renew(): void {
    this.#generation++;
    for (const connection of this.#kept.keys()) void connection.close('drain');
    this.#kept.clear();
  }

  /** Closes idle connections at once, and the others once they have finished, or after two seconds. */
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
    this.#seats = opened.capacity;
    const using = use(opened, false);
    // A connection with a capacity of 1 may be used up by now.
    if (generation !== this.#generation) closeSoon(opened);
    else if (opened.usable) this.#keep(key, opened);
    return using;
  }

  #joinOpening({ key, signal, open }: Wanted<T>): Promise<T> {
    const known = this.#openings.get(key);
    if (known && !known.isGivenUp && known.waiting < this.#seats) return known.join(signal);
    const generation = this.#generation;
    const opening: Opening<T> = new Opening(async (abandoned) => {
      try {
        const opened = await open(abandoned);
        this.#seats = opened.capacity;
        // The pool was renewed meanwhile, or the waiters gave up: a closing connection has no room for them.
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
    if (this.#kept.size >= this.#most) this.#makeRoom();
    this.#kept.set(connection, key);
    this.#sweep ??= setInterval(() => this.#closeIdle(), idleMs).unref();
  }

  /** Closes the oldest connection that carries nothing. */
  #makeRoom(): void {
    for (const connection of this.#kept.keys()) {
      if (connection.usable && connection.load > 0) continue;
      this.#kept.delete(connection);
      void connection.close('drain');
      return;
    }
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

/** Closes a connection, but lets the caller that has just received it begin first. */
function closeSoon(connection: Pooled): void {
  setImmediate(() => void connection.close('drain'));
}
