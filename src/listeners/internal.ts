import { abortReason, throwIfAborted } from '../core/deadline.ts';
import type { DialContext, Origin } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import { type Link, linkPair } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';

/**
 * A callback for each Link that was opened to the name, with its origin. It resolves once the target is reached, and
 * rejects with the reason if it is not.
 */
export type OnInternalLink = (link: Link, origin: Origin) => Promise<void>;

/** The circumstances in which a Link to an internal listener is opened. */
export interface ConnectContext extends Pick<DialContext, 'origin' | 'signal' | 'onResumable'> {
  /** `tunnels` if an HTTP/2 session may be at one of its ends. */
  readonly carries?: 'bytes' | 'tunnels';
}

/**
 * Bytes by which HTTP/2 sessions may be ahead of each other in memory. Node's HTTP/2 does not read while a write waits.
 * Over TCP the system buffers the bytes under way; in memory two sessions would wait for each other. The bytes never
 * exceed their windows, of which ours is 16 MiB.
 */
const sessionBytes = 32 * 1024 * 1024;

/** The listeners of this process that are reached by name. */
export class InternalListeners {
  readonly #listeners = new Map<string, OnInternalLink>();
  readonly #bufferBytes: number | undefined;

  /** @param bufferBytes about how many bytes may wait in each direction of a Link before its writer has to wait */
  constructor(bufferBytes?: number) {
    this.#bufferBytes = bufferBytes;
  }

  /**
   * Listens on a name. A listener that had the name is replaced, and its Links live on.
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
   * Opens a Link to a name: two ends in memory, joined with back-pressure, half-close and reset. The far end has the peer
   * of the outer connection. Resolves once the listener has reached its target.
   * @throws {TunlError} connection_refused, if nobody listens; otherwise the error of the listener
   */
  async connect(name: string, { origin, signal, carries = 'bytes', onResumable }: ConnectContext): Promise<Link> {
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
      const { onResumable: _ofTheStageBefore, ...own } = origin;
      await onLink(far, { ...own, ...(onResumable && { onResumable }) });
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
