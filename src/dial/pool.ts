import type { Address } from '../core/address.ts';
import type { Session } from '../core/carrier.ts';
import { throwIfAborted } from '../core/deadline.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { Pool } from '../core/pool.ts';

/** The number of older versions of HTTP in which a hop may be asked again: 1.1 and 1.0. */
const olderVersions = 2;

/** The functions that make and use the sessions to a hop. */
export interface SessionSource {
  /** Opens a session for tunnels to `address`. The signal is aborted when no tunnel waits for it any more. */
  readonly open: (address: Address, ctx: DialContext) => Promise<Session>;
  readonly tunnel: (session: Session, address: Address, ctx: DialContext) => Promise<Link>;
  /** Returns the key of a tunnel; tunnels with different keys never share a session. */
  readonly keyOf: (ctx: DialContext) => string;
  /** False if each tunnel has its own session, which ends with it. */
  readonly isShared: boolean;
}

/** Keeps the sessions to one hop, and repeats attempts that a new session may help. */
export class SessionPool {
  readonly #source: SessionSource;
  readonly #pool: Pool<Session>;

  /** @param pool the sessions that there are already */
  constructor(source: SessionSource, pool: Pool<Session> = new Pool(source.isShared)) {
    this.#source = source;
    this.#pool = pool;
  }

  /**
   * Opens a tunnel in a session with room, or in a new one. A request that the hop provably did not process is repeated
   * once in a new session, and so is one that the hop wants in an older version of HTTP.
   * @throws {TunlError}
   */
  async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    try {
      return await this.#tunnel(address, ctx, ctx.fresh ? 'fresh' : 'any');
    } catch (error) {
      if (!(error instanceof TunlError && (error.facts.unprocessed || error.facts.outdated))) throw error;
      if (ctx.signal.aborted) throw error;
      return this.#tunnelInFresh(address, ctx, error);
    }
  }

  /** Opens further tunnels in new sessions only; tunnels in the present ones live on. */
  renew(): void {
    this.#pool.renew();
  }

  /** Ends all sessions, after a moment in which written data can still be sent. */
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

  #tunnelIn(session: Session, address: Address, ctx: DialContext): Promise<Link> {
    const isForOne = session.capacity === 1 || !this.#source.isShared;
    return isForOne ? this.#tunnelOrEnd(session, address, ctx) : this.#source.tunnel(session, address, ctx);
  }

  /** A session for one tunnel ends with the failure of it. */
  async #tunnelOrEnd(session: Session, address: Address, ctx: DialContext): Promise<Link> {
    try {
      return await this.#source.tunnel(session, address, ctx);
    } catch (error) {
      // It may have got room for others meanwhile, who use it.
      const isUsed = this.#source.isShared && session.capacity > 1 && session.load > 0;
      if (!isUsed) await session.close('now');
      throw error;
    }
  }
}
