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

/** What goes with a Link to an internal listener. */
export interface ConnectContext extends Pick<DialContext, 'origin' | 'signal'> {
  /** `tunnels` where an HTTP/2 session may be at one of its ends. */
  readonly carries?: 'bytes' | 'tunnels';
}

/**
 * Node's HTTP/2 does not read while it waits with a write. Over TCP the system has room for what is under way; in
 * memory two sessions would wait for each other. It is never more than their windows, of which ours is 16 MiB.
 */
const sessionBytes = 32 * 1024 * 1024;

/** The listeners of this process whose addresses are names. */
export class InternalListeners {
  readonly #listeners = new Map<string, OnInternalLink>();
  readonly #bufferBytes: number | undefined;

  /** `bufferBytes` is about how much a Link holds in each direction before its writer has to wait. */
  constructor(bufferBytes?: number) {
    this.#bufferBytes = bufferBytes;
  }

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
  async connect(name: string, { origin, signal, carries = 'bytes' }: ConnectContext): Promise<Link> {
    const onLink = this.#listeners.get(name);
    if (!onLink) {
      throw new TunlError('connection_refused', `nothing listens on internal://${name}`, { phase: 'connect' });
    }
    const [near, far] = linkPair({
      first: { address: { kind: 'internal', name } },
      second: origin.peer,
      slackBytes: carries === 'tunnels' ? sessionBytes : 0,
      ...(this.#bufferBytes !== undefined && { bufferBytes: this.#bufferBytes }),
    });
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
