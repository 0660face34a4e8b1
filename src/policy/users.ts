import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../core/deadline.ts';
import { Opening } from '../core/opening.ts';
import type { Credentials } from '../core/secret.ts';
import { fingerprint } from './fingerprint.ts';
import type { StoredPassword } from './password.ts';

/** Time for which correct credentials are recognised without hashing them again. */
const rememberMs = 60_000;

/** The most credentials that are remembered. An entry takes some hundred bytes: all cost less than one busy tunnel. */
const maxRemembered = 1000;

/** The users of a server. A reload makes a new table, which remembers no credentials. */
export class UserTable {
  readonly #stored: ReadonlyMap<string, StoredPassword>;
  readonly #decoys: readonly StoredPassword[];
  readonly #known: LRUCache<string, true>;
  readonly #running = new Map<string, Opening<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param now a monotonic clock in milliseconds */
  constructor(stored: ReadonlyMap<string, StoredPassword>, now: () => number = () => performance.now()) {
    this.#stored = stored;
    this.#known = new LRUCache({ max: maxRemembered, ttl: rememberMs, ttlResolution: 0, perf: { now } });
    this.#decoys = [...stored.values()];
  }

  /**
   * Resolves with true if the user exists and has this password. An empty password is always wrong. A password is not
   * hashed if nobody waits for the result any more when its turn comes.
   * @throws {TunlError} the signal's reason
   */
  async verify({ user, password }: Credentials, signal: AbortSignal): Promise<boolean> {
    throwIfAborted(signal);
    const secret = password.reveal();
    const key = fingerprint(user, secret).toString('base64');
    if (this.#known.get(key)) return true;
    const isRight = await this.#joinWork(key, user, secret).join(signal);
    if (isRight) this.#known.set(key, true);
    return isRight;
  }

  /** Joins a verification that is under way, so that a client with many new tunnels is verified once. */
  #joinWork(key: string, user: string, secret: string): Opening<boolean> {
    const running = this.#running.get(key);
    if (running && !running.isGivenUp) return running;
    const work: Opening<boolean> = new Opening(async (wanted) => {
      try {
        return await this.#hashInTurn(user, secret, wanted);
      } finally {
        if (this.#running.get(key) === work) this.#running.delete(key);
      }
    });
    this.#running.set(key, work);
    return work;
  }

  /**
   * Hashes one password at a time, and lets the event loop run before each: bcrypt blocks it for tens of milliseconds,
   * and a burst of wrong passwords must not stop the tunnels.
   */
  #hashInTurn(user: string, secret: string, wanted: AbortSignal): Promise<boolean> {
    const work = this.#last.then(async () => {
      throwIfAborted(wanted);
      await setImmediate();
      const stored = this.#stored.get(user);
      const isMatch = await (stored ?? this.#decoyFor(user))?.verify(secret);
      return isMatch === true && stored !== undefined && secret !== '';
    });
    this.#last = work.catch(() => undefined);
    return work;
  }

  /**
   * Chooses another user's password, always the same one for the same name. So an unknown user takes as long as a known
   * one, even if the users' hashes differ in kind and cost.
   */
  #decoyFor(user: string): StoredPassword | undefined {
    return this.#decoys[fingerprint(user).readUInt32BE() % this.#decoys.length];
  }
}
