import { Abort } from '../core/abort.ts';
import type { Address } from '../core/address.ts';
import type { Session } from '../core/carrier.ts';
import type { DialContext } from '../core/dialer.ts';
import type { Hop } from '../core/hop.ts';
import type { Link } from '../core/link.ts';
import { isSessionAddress } from '../resume/session.ts';
import type { ProbeTerms } from './post-probe.ts';

/** The silence, in milliseconds, after which the way is probed for whoever keeps requests until they are whole. */
const silentMs = 3000;

/** A session whose tunnels fail soon where the way can carry none. */
export class ProbingSession implements Session {
  readonly #session: Session;
  #terms: ProbeTerms;

  constructor(session: Session, terms: ProbeTerms) {
    this.#session = session;
    this.#terms = terms;
  }

  get capacity(): number {
    return this.#session.capacity;
  }

  get load(): number {
    return this.#session.load;
  }

  get usable(): boolean {
    return this.#session.usable;
  }

  close(mode: 'drain' | 'now'): Promise<void> {
    return this.#session.close(mode);
  }

  adopt(hop: Hop): void {
    this.#session.adopt?.(hop);
    this.#terms = { ...this.#terms, hop };
  }

  tunnel(address: Address, ctx: DialContext): Promise<Link> {
    // Where several modes are tried, the next one has begun long before.
    if (address.kind === 'tcp' && isSessionAddress(address)) return this.#session.tunnel(address, ctx);
    const [asking, probing] = [new Abort(), new Abort()];
    const onAbort = () => asking.abort(ctx.signal.reason);
    if (ctx.signal.aborted) onAbort();
    else ctx.signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => void this.#probe(ctx, asking, probing.signal), silentMs);
    return this.#session.tunnel(address, { ...ctx, signal: asking.signal }).finally(() => {
      clearTimeout(timer);
      ctx.signal.removeEventListener('abort', onAbort);
      probing.abort(undefined);
    });
  }

  /** Gives the request up if it cannot be answered. A probe that fails itself has found nothing. */
  async #probe(ctx: DialContext, asking: Abort, signal: AbortSignal): Promise<void> {
    try {
      const { findBuffering } = await import('./post-probe.ts');
      const failure = await findBuffering(this.#terms, ctx, signal);
      if (failure) asking.abort(failure);
    } catch {
      // The request goes on, and so does the limit on its answer.
    }
  }
}
