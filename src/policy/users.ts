import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../core/deadline.ts';
import { Opening } from '../core/opening.ts';
import type { Credentials } from '../core/secret.ts';
import { fingerprint } from './fingerprint.ts';
import type { StoredPassword } from './password.ts';

/** How long right credentials are recognised without hashing them again. */
const rememberMs = 60_000;

/** An entry takes some hundred bytes: this many cost less than one tunnel with full buffers. */
const maxRemembered = 1000;

/** The users of a server at one moment. A reload makes a new table, which remembers nothing of the old one. */
export class UserTable {
  readonly #stored: ReadonlyMap<string, StoredPassword>;
  readonly #decoys: readonly StoredPassword[];
  readonly #known: LRUCache<string, true>;
  readonly #running = new Map<string, Opening<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  /** `now` is a clock in milliseconds that is never set back. */
  constructor(stored: ReadonlyMap<string, StoredPassword>, now: () => number = () => performance.now()) {
    this.#stored = stored;
    this.#known = new LRUCache({ max: maxRemembered, ttl: rememberMs, ttlResolution: 0, perf: { now } });
    this.#decoys = [...stored.values()];
  }

  /**
   * True when the user exists and the password is theirs. An empty password is nobody's. What nobody waits for any more
   * when its turn comes is not hashed.
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

  /** A client that opens many tunnels at once is verified once. */
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
   * One password at a time, with the event loop let go before each: bcrypt takes tens of
   * milliseconds of it, and a burst of wrong passwords must not stop the tunnels.
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
   * The password of somebody else, always the same for the same name: an unknown user then takes as
   * long as a known one, also where the users' hashes are of different kinds and costs.
   */
  #decoyFor(user: string): StoredPassword | undefined {
    return this.#decoys[fingerprint(user).readUInt32BE() % this.#decoys.length];
  }
}
