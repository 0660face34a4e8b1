import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../core/address.ts';
import type { Session } from '../core/carrier.ts';
import { throwIfAborted } from '../core/deadline.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { Opening } from '../core/opening.ts';

/** A session without tunnels is closed after between one and two of these. */
const idleMs = 60_000;

/** How long ended tunnels may take to say so to the hop, once the program is done. */
const closingMs = 2000;

/** Versions of HTTP below the one that a hop is asked in first: 1.1 and 1.0. */
const olderVersions = 2;

/** How sessions to a hop are made and used. */
export interface SessionSource {
  /** Makes a session for tunnels to `address`; the signal aborts when nobody waits for it any more. */
  readonly open: (address: Address, ctx: DialContext) => Promise<Session>;
  readonly tunnel: (session: Session, address: Address, ctx: DialContext) => Promise<Link>;
  /** Tunnels whose keys differ never share a session. */
  readonly keyOf: (ctx: DialContext) => string;
  /** False where each tunnel has a session of its own, which ends with it. */
  readonly isShared: boolean;
}

/** The sessions to one hop, kept for as long as they can take tunnels. */
export class SessionPool {
  readonly #source: SessionSource;
  /** With the key that each was opened for. */
  readonly #sessions = new Map<Session, string>();
  readonly #idle = new WeakSet<Session>();
  readonly #openings = new Map<string, Opening<Session>>();
  /** Learned from the last session: one that carries a single tunnel is not waited for. */
  #shared: boolean;
  #generation = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(source: SessionSource) {
    this.#source = source;
    this.#shared = source.isShared;
  }

  /**
   * Opens a tunnel in a session with room, or in a new one. What is proved not to have been
   * acted upon is tried once more on a fresh session, and so is what the hop wants to be asked in an older version.
   * @throws {TunlError}
   */
  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    try {
      return await this.#tunnelInShared(address, ctx);
    } catch (error) {
      if (!(error instanceof TunlError && (error.facts.unprocessed || error.facts.outdated))) throw error;
      if (ctx.signal.aborted) throw error;
      return this.#tunnelInFresh(address, ctx, error);
    }
  }

  async #tunnelInFresh(address: Address, ctx: DialContext, reason: TunlError, left = olderVersions): Promise<Link> {
    if (reason.facts.outdated) ctx.onFailure?.(reason);
    try {
      return await this.#tunnelIn(await this.#openNew(address, ctx), address, ctx);
    } catch (error) {
      if (!(error instanceof TunlError && error.facts.outdated) || left <= 1 || ctx.signal.aborted) throw error;
      return this.#tunnelInFresh(address, ctx, error, left - 1);
    }
  }

  /** Opens no more tunnels in the sessions that there are; those that are open in them live on. */
  renew(): void {
    this.#generation++;
    for (const session of this.#sessions.keys()) void session.close('drain');
    this.#sessions.clear();
  }

  /** Lets what was written go out, at most for a moment, and ends all sessions. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const sessions = [...this.#sessions.keys()];
    this.#sessions.clear();
    await Promise.race([
      Promise.all(sessions.map((session) => session.close('drain'))),
      delay(closingMs, undefined, { ref: false }),
    ]);
    await Promise.all(sessions.map((session) => session.close('now')));
  }

  /** Finds room and takes it in the same tick, so that two tunnels never count on the same place. */
  async #tunnelInShared(address: Address, ctx: DialContext): Promise<Link> {
    const key = this.#source.keyOf(ctx);
    for (;;) {
      throwIfAborted(ctx.signal);
      const session = this.#findRoom(key);
      if (session) return this.#tunnelIn(session, address, ctx);
      if (!this.#shared) return this.#tunnelIn(await this.#openNew(address, ctx), address, ctx);
      const opened = await this.#joinOpening(key, address, ctx);
      // Waiters run in turn: who comes too late for the room in this session looks again.
      if (opened.usable && opened.load < opened.capacity) return this.#tunnelIn(opened, address, ctx);
    }
  }

  #joinOpening(key: string, address: Address, ctx: DialContext): Promise<Session> {
    const known = this.#openings.get(key);
    if (known && !known.isGivenUp) return known.join(ctx.signal);
    const opening: Opening<Session> = new Opening(async (signal) => {
      try {
        return await this.#openNew(address, { ...ctx, signal });
      } finally {
        if (this.#openings.get(key) === opening) this.#openings.delete(key);
      }
    });
    this.#openings.set(key, opening);
    return opening.join(ctx.signal);
  }

  async #openNew(address: Address, ctx: DialContext): Promise<Session> {
    const generation = this.#generation;
    const session = await this.#source.open(address, ctx);
    this.#shared = this.#source.isShared && session.capacity > 1;
    if (!this.#shared) return session;
    if (generation === this.#generation) {
      this.#sessions.set(session, this.#source.keyOf(ctx));
      this.#sweep ??= setInterval(() => this.#closeIdle(), idleMs).unref();
    } else {
      void session.close('drain');
    }
    return session;
  }

  #findRoom(key: string): Session | undefined {
    for (const [session, of] of this.#sessions) {
      if (!session.usable) this.#sessions.delete(session);
      else if (of === key && session.load < session.capacity) return session;
    }
    return undefined;
  }

  #closeIdle(): void {
    for (const session of this.#sessions.keys()) {
      if (session.load > 0) this.#idle.delete(session);
      else if (!this.#idle.has(session)) this.#idle.add(session);
      else {
        this.#sessions.delete(session);
        void session.close('drain');
      }
    }
  }

  async #tunnelIn(session: Session, address: Address, ctx: DialContext): Promise<Link> {
    try {
      const link = await this.#source.tunnel(session, address, ctx);
      if (!this.#source.isShared) link.stream.once('close', () => void session.close('drain'));
      return link;
    } catch (error) {
      if (session.capacity === 1 || !this.#source.isShared) await session.close('now');
      throw error;
    }
  }
}
