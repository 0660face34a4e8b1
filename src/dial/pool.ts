import type { Address } from '../core/address.ts';
import type { Session } from '../core/carrier.ts';
import { throwIfAborted } from '../core/deadline.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { Pool } from '../core/pool.ts';

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

/** The sessions to one hop, and what a tunnel is tried again for. */
export class SessionPool {
  readonly #source: SessionSource;
  readonly #pool: Pool<Session>;

  constructor(source: SessionSource) {
    this.#source = source;
    this.#pool = new Pool(source.isShared);
  }

  /**
   * Opens a tunnel in a session with room, or in a new one. What is proved not to have been
   * acted upon is tried once more on a fresh session, and so is what the hop wants to be asked in an older version.
   * @throws {TunlError}
   */
  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    try {
      return await this.#tunnel(address, ctx, 'any');
    } catch (error) {
      if (!(error instanceof TunlError && (error.facts.unprocessed || error.facts.outdated))) throw error;
      if (ctx.signal.aborted) throw error;
      return this.#tunnelInFresh(address, ctx, error);
    }
  }

  /** Opens no more tunnels in the sessions that there are; those that are open in them live on. */
  renew(): void {
    this.#pool.renew();
  }

  /** Lets what was written go out, at most for a moment, and ends all sessions. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  async #tunnelInFresh(address: Address, ctx: DialContext, reason: TunlError, left = olderVersions): Promise<Link> {
    if (reason.facts.outdated) ctx.onFailure?.(reason);
    try {
      return await this.#tunnel(address, ctx, 'fresh');
    } catch (error) {
      if (!(error instanceof TunlError && error.facts.outdated) || left <= 1 || ctx.signal.aborted) throw error;
      return this.#tunnelInFresh(address, ctx, error, left - 1);
    }
  }

  #tunnel(address: Address, ctx: DialContext, from: 'any' | 'fresh'): Promise<Link> {
    const { keyOf, isShared, open } = this.#source;
    if (!isShared) return this.#tunnelInOwn(address, ctx);
    const wanted = {
      key: keyOf(ctx),
      signal: ctx.signal,
      from,
      open: (signal: AbortSignal) => open(address, { ...ctx, signal }),
    };
    return this.#pool.use(wanted, (session) => this.#tunnelIn(session, address, ctx));
  }

  async #tunnelInOwn(address: Address, ctx: DialContext): Promise<Link> {
    throwIfAborted(ctx.signal);
    const session = await this.#source.open(address, ctx);
    const link = await this.#tunnelIn(session, address, ctx);
    link.stream.once('close', () => void session.close('drain'));
    return link;
  }

  async #tunnelIn(session: Session, address: Address, ctx: DialContext): Promise<Link> {
    try {
      return await this.#source.tunnel(session, address, ctx);
    } catch (error) {
      if (session.capacity === 1 || !this.#source.isShared) await session.close('now');
      throw error;
    }
  }
}
