import { setTimeout } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../core/deadline.ts';
import { findSource, type Peer } from '../core/link.ts';
import { fingerprint } from './fingerprint.ts';

/** How wrong passwords cost time: the first few nothing, then twice as long each time. */
interface Price {
  readonly free: number;
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Of one user from one source: typing errors are free, guessing is not. */
const perUser: Price = { free: 3, firstMs: 250, mostMs: 4000 };

/** Of all users from one source, which may be the address of many people. */
const perSource: Price = { free: 30, firstMs: 50, mostMs: 1000 };

/** Time after the last wrong password until all are forgotten. */
const memoryMs = 600_000;

/** The most users and the most sources that are remembered; each takes some hundred bytes. */
const maxRemembered = 10_000;

/** Passes the attempts to verify a password of one user from one source. */
export interface AttemptGate {
  /** The source, to tell the same credentials of two sources apart. */
  readonly source: string;
  /** True while an attempt has to wait. */
  readonly isShut: boolean;
  /**
   * Waits until an attempt may be made. Others may be faster, so look at `isShut` right before it is made.
   * @throws {TunlError} the signal's reason
   */
  wait(signal: AbortSignal): Promise<void>;
  /** Says what came of an attempt. */
  tell(isRight: boolean): void;
}

/** A gate that is always open. */
export const openGate: AttemptGate = {
  source: '',
  isShut: false,
  wait: () => Promise.resolve(),
  tell: () => undefined,
};

/** Wrong attempts under one name, and the time before which there is no other. */
interface Record {
  readonly wrong: number;
  readonly opensAt: number;
}

/**
 * Makes wrong passwords cost time. Attempts wait at the source that was wrong, and nowhere else: a user whose name is
 * being guessed from elsewhere does not wait.
 */
export class Penalties {
  readonly #now: () => number;
  readonly #users: LRUCache<string, Record>;
  readonly #sources: LRUCache<string, Record>;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    const options = { max: maxRemembered, ttl: memoryMs, ttlResolution: 0, perf: { now } };
    this.#users = new LRUCache(options);
    this.#sources = new LRUCache(options);
  }

  /** Makes the gate for attempts of a user, which need not exist. */
  gate(peer: Peer, user: string): AttemptGate {
    const source = findSource(peer);
    const pair = fingerprint(source, user).toString('base64');
    const opensIn = () => {
      const times = [this.#users.get(pair), this.#sources.get(source)].map((record) => record?.opensAt ?? 0);
      return Math.max(...times) - this.#now();
    };
    return {
      source,
      get isShut() {
        return opensIn() > 0;
      },
      async wait(signal) {
        throwIfAborted(signal);
        for (let ms = opensIn(); ms > 0; ms = opensIn()) {
          await setTimeout(Math.ceil(ms), undefined, { signal }).catch(() => throwIfAborted(signal));
        }
      },
      tell: (isRight) => {
        // Whoever has a password of their own must not undo what their source did to others.
        if (isRight) this.#users.delete(pair);
        else this.#charge(pair, source);
      },
    };
  }

  #charge(pair: string, source: string): void {
    for (const [records, name, price] of [
      [this.#users, pair, perUser],
      [this.#sources, source, perSource],
    ] as const) {
      const wrong = (records.get(name)?.wrong ?? 0) + 1;
      records.set(name, { wrong, opensAt: wrong <= price.free ? 0 : this.#now() + costOf(price, wrong) });
    }
  }
}

function costOf({ free, firstMs, mostMs }: Price, wrong: number): number {
  return Math.min(firstMs * 2 ** (wrong - free - 1), mostMs);
}
