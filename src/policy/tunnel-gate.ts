import { TunlError } from '../core/errors.ts';
import { findSource, type Peer } from '../core/link.ts';
import { Counts } from '../core/waiting.ts';
import type { Caps } from '../syntax/settings.ts';

/** Seconds after which a refused client may ask again. They are few, because places become free at any moment. */
const retryAfter = '1';

/** Counts the tunnels of a proxy, including those that wait for their target, and refuses tunnels beyond its limits. */
export class TunnelGate {
  readonly #caps: Caps;
  readonly #clients = new Counts();
  #open = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /**
   * Takes a place for a tunnel of this client.
   * @returns a function that gives the place back; further calls do nothing
   * @throws {TunlError} connection_limit_reached
   */
  enter(peer: Peer): () => void {
    const client = findSource(peer);
    assertBelow(this.#open, this.#caps.total, 'max-tunnels');
    assertBelow(this.#clients.of(client), this.#caps.perClient, 'max-tunnels-per-client');
    this.#open++;
    this.#clients.add(client);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#open--;
      this.#clients.remove(client);
    };
  }
}

function assertBelow(open: number, most = Infinity, option: string): void {
  if (open < most) return;
  const tunnels = open === 1 ? 'is already 1 tunnel' : `are already ${open} tunnels`;
  throw new TunlError('connection_limit_reached', `there ${tunnels}, the most allowed (--${option})`, {
    side: 'self',
    phase: 'policy',
    headers: [['Retry-After', retryAfter]],
  });
}
