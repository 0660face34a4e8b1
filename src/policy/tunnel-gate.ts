import { TunlError } from '../core/errors.ts';
import { toBytes } from '../core/ip-bytes.ts';
import type { Peer } from '../core/link.ts';

/** How many tunnels there may be at a time, those included that wait for their target. Absent: as many as come. */
export interface TunnelCaps {
  readonly total?: number;
  /** From one address; of IPv6 from one /64, which is what one client has. */
  readonly perClient?: number;
}

/** Seconds after which a client that was refused may ask again: places become free at any moment. */
const retryAfter = '1';

/** Counts the tunnels of a proxy, and refuses what is more than it may have. */
export class TunnelGate {
  readonly #caps: TunnelCaps;
  readonly #clients = new Map<string, number>();
  #open = 0;

  constructor(caps: TunnelCaps) {
    this.#caps = caps;
  }

  /**
   * Takes a place for a tunnel of this client. What it returns gives the place back, once.
   * @throws {TunlError} connection_limit_reached
   */
  enter(peer: Peer): () => void {
    const client = toClient(peer);
    const own = this.#clients.get(client) ?? 0;
    assertBelow(this.#open, this.#caps.total, 'max-tunnels');
    assertBelow(own, this.#caps.perClient, 'max-tunnels-per-client');
    this.#open++;
    this.#clients.set(client, own + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(client);
    };
  }

  #leave(client: string): void {
    this.#open--;
    const own = (this.#clients.get(client) ?? 0) - 1;
    // Who has gone is not remembered: there are more addresses than memory.
    if (own > 0) this.#clients.set(client, own);
    else this.#clients.delete(client);
  }
}

function assertBelow(open: number, most = Infinity, option: string): void {
  if (open < most) return;
  const tunnels = open === 1 ? 'is 1 tunnel' : `are ${open} tunnels`;
  throw new TunlError('connection_limit_reached', `there ${tunnels}, as many as there may be (--${option})`, {
    side: 'self',
    phase: 'policy',
    headers: [['Retry-After', retryAfter]],
  });
}

function toClient({ address }: Peer): string {
  // Who comes by a socket of the file system, or from inside, is one client.
  if (address?.kind !== 'tcp') return 'local';
  const bytes = toBytes(address.host);
  if (!bytes) return address.host;
  return Buffer.from(bytes.length === 16 ? bytes.slice(0, 8) : bytes).toString('hex');
}
