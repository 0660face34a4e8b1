import type { Session } from '../core/carrier.ts';
import type { Pool, Pooled } from '../core/pool.ts';
import { Secret } from '../core/secret.ts';
import type { Connection } from '../router/forwarder.ts';

/** Finds the pool for connections of an identity: one that the running generation has, or a new one. */
export type TakePool<T extends Pooled> = (identity: object, make: () => Pool<T>) => Pool<T>;

/** The pools of a generation that is being prepared. */
export interface PoolChoice {
  readonly sessions: TakePool<Session>;
  readonly connections: TakePool<Connection>;
  /** Lets the next generation go on with these pools. */
  adopt(): void;
}

/**
 * Hands the connections to hops and upstreams from one generation to the next, where nothing has changed that they were
 * opened with. What the next generation does not take ends when it is idle.
 */
export class KeptPools {
  readonly #sessions = new Kept<Session>();
  readonly #connections = new Kept<Connection>();

  /** Begins the choice for a generation. */
  prepare(): PoolChoice {
    const sessions = this.#sessions.prepare();
    const connections = this.#connections.prepare();
    return {
      sessions: sessions.take,
      connections: connections.take,
      adopt() {
        sessions.adopt();
        connections.adopt();
      },
    };
  }
}

/** The pools of one kind, by what identifies their connections. */
class Kept<T extends Pooled> {
  #running: ReadonlyMap<string, readonly Pool<T>[]> = new Map();

  prepare(): { readonly take: TakePool<T>; readonly adopt: () => void } {
    // Two routes may lead to the same hop with pools of their own.
    const left = new Map([...this.#running].map(([key, pools]) => [key, [...pools]]));
    const taken = new Map<string, Pool<T>[]>();
    return {
      take: (identity, make) => {
        const key = toKey(identity);
        const pool = left.get(key)?.shift() ?? make();
        taken.set(key, [...(taken.get(key) ?? []), pool]);
        return pool;
      },
      adopt: () => void (this.#running = taken),
    };
  }
}

/** Writes an identity as text, in which passwords count too. It stays in the memory of the process. */
function toKey(identity: object): string {
  return JSON.stringify(identity, function reveal(this: Record<string, unknown>, name: string, value: unknown) {
    const given = this[name];
    return given instanceof Secret ? given.reveal() : value;
  });
}
