import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { throwIfAborted } from '../core/deadline.ts';
import { Opening } from '../core/waiting.ts';
import type { Credentials } from '../core/secret.ts';
import { fingerprint } from './fingerprint.ts';
import type { StoredPassword } from './password.ts';
import { type AttemptGate, openGate } from './penalties.ts';

/** Time for which correct credentials are recognised without hashing them again. */
const rememberMs = 60_000;

/** The most credentials that are remembered. An entry takes some hundred bytes: all cost less than one busy tunnel. */
const maxRemembered = 1000;

/** What came of an attempt; `shut` if it was not made, because others were wrong before it. */
type Outcome = 'right' | 'wrong' | 'shut';

/** A password that is to be verified. */
interface AttemptToVerify {
  readonly user: string;
  readonly secret: string;
  /** Recognises the credentials. */
  readonly key: string;
  readonly gate: AttemptGate;
}

function settle({ gate }: AttemptToVerify, isRight: boolean): Outcome {
  gate.tell(isRight);
  return isRight ? 'right' : 'wrong';
}

/** The users of a server. A reload makes a new table, which remembers no credentials. */
export class UserTable {
  readonly #stored: ReadonlyMap<string, StoredPassword>;
  readonly #decoys: readonly StoredPassword[];
  readonly #known: LRUCache<string, true>;
  readonly #running = new Map<string, Opening<Outcome>>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param now a monotonic clock in milliseconds */
  constructor(stored: ReadonlyMap<string, StoredPassword>, now: () => number = () => performance.now()) {
    this.#stored = stored;
    this.#known = new LRUCache({ max: maxRemembered, ttl: rememberMs, ttlResolution: 0, perf: { now } });
    this.#decoys = [...stored.values()];
  }

  /**
   * Resolves with true if the user exists and has this password. An empty password is always wrong. A password is not
   * hashed if nobody waits for the result any more when its turn comes, or before the gate lets it pass.
   * @throws {TunlError} the signal's reason
   */
  async verify({ user, password }: Credentials, signal: AbortSignal, gate: AttemptGate = openGate): Promise<boolean> {
    throwIfAborted(signal);
    const secret = password.reveal();
    const attempt = { user, secret, gate, key: fingerprint(user, secret).toString('base64') };
    for (;;) {
      if (gate.isShut) await gate.wait(signal);
      if (this.#known.get(attempt.key)) return settle(attempt, true) === 'right';
      const outcome = await this.#joinWork(attempt).join(signal);
      if (outcome !== 'shut') return outcome === 'right';
    }
  }

  /** Joins a verification that is under way, so that a client with many new tunnels is verified once. */
  #joinWork(attempt: AttemptToVerify): Opening<Outcome> {
    const id = `${attempt.key} ${attempt.gate.source}`;
    const running = this.#running.get(id);
    if (running && !running.isGivenUp) return running;
    const work: Opening<Outcome> = new Opening(async (wanted) => {
      try {
        return await this.#hashInTurn(attempt, wanted);
      } finally {
        if (this.#running.get(id) === work) this.#running.delete(id);
      }
    });
    this.#running.set(id, work);
    return work;
  }

  /**
   * Hashes one password at a time, and lets the event loop run before each: bcrypt blocks it for tens of milliseconds,
   * and a burst of wrong passwords must not stop the tunnels. Those that were wrong before count for the next in turn.
   */
  #hashInTurn(attempt: AttemptToVerify, wanted: AbortSignal): Promise<Outcome> {
    const { user, secret, key, gate } = attempt;
    const work = this.#last.then(async () => {
      throwIfAborted(wanted);
      await setImmediate();
      if (gate.isShut) return 'shut';
      const stored = this.#stored.get(user);
      const isMatch = this.#known.get(key) ?? (await (stored ?? this.#decoyFor(user))?.verify(secret));
      const isRight = isMatch === true && stored !== undefined && secret !== '';
      if (isRight) this.#known.set(key, true);
      return settle(attempt, isRight);
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
