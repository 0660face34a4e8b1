import { setMaxListeners } from 'node:events';

/**
 * The life of a running command. It is first drained (accept nothing new, let tunnels finish), then forced (cut the
 * tunnels that are left). Its cleanups run once, in reverse order.
 */
export class Scope {
  readonly #drain = new AbortController();
  readonly #force = new AbortController();
  readonly #cleanups: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  constructor() {
    // Every connection listens to these; Node would warn of a leak at the eleventh listener.
    setMaxListeners(0, this.#drain.signal, this.#force.signal);
  }

  /** Aborted once nothing new may start. */
  get draining(): AbortSignal {
    return this.#drain.signal;
  }

  /** Aborted once everything that still runs must stop. */
  get forced(): AbortSignal {
    return this.#force.signal;
  }

  /** Registers a cleanup to run at the end. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  drain(reason: unknown): void {
    this.#drain.abort(reason);
  }

  force(reason: unknown): void {
    this.#drain.abort(reason);
    this.#force.abort(reason);
  }

  /** Runs all cleanups, last registered first, and waits for them. */
  close(): Promise<void> {
    this.#closed ??= this.#runCleanups();
    return this.#closed;
  }

  async #runCleanups(): Promise<void> {
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) await cleanup();
  }
}
