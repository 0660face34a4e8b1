import { abortReason, throwIfAborted } from '../core/deadline.ts';
import type { DialContext, Origin } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import { type Link, linkPair } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';

/**
 * Called with each Link that was opened to the name, and with who is behind it. Resolves once the Link leads
 * on; what it rejects with is why it does not.
 */
export type OnInternalLink = (link: Link, origin: Origin) => Promise<void>;

/** The listeners of this process whose addresses are names. */
export class InternalListeners {
  readonly #listeners = new Map<string, OnInternalLink>();

  /**
   * Listens on a name. What was there before is replaced, and its Links live on.
   */
  listen(name: string, onLink: OnInternalLink): Listener {
    this.#listeners.set(name, onLink);
    return {
      address: { kind: 'internal', name },
      close: async () => {
        if (this.#listeners.get(name) === onLink) this.#listeners.delete(name);
      },
    };
  }

  /**
   * Opens a Link to a name: two ends in memory, joined with back-pressure, half-close and reset. The far
   * end knows the peer of the outer connection as its own. Resolves once the listener has its own way on.
   * @throws {TunlError} connection_refused, when nobody listens; otherwise what the listener failed with
   */
  async connect(name: string, { origin, signal }: Pick<DialContext, 'origin' | 'signal'>): Promise<Link> {
    const onLink = this.#listeners.get(name);
    if (!onLink) {
      throw new TunlError('connection_refused', `nothing listens on internal://${name}`, { phase: 'connect' });
    }
    const [near, far] = linkPair({ first: { address: { kind: 'internal', name } }, second: origin.peer });
    const onAbort = () => near.reset(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      throwIfAborted(signal);
      await onLink(far, origin);
      throwIfAborted(signal);
      return near;
    } catch (error) {
      near.reset(error as Error);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
