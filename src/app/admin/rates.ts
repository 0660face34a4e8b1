import type { Tunnel } from '../tunnel/tunnels.ts';

/** Somebody who looks more often gets what the last look told. */
const leastMs = 500;

/** Bytes per second in both directions. */
export interface Rate {
  readonly sentRate: number;
  readonly receivedRate: number;
}

/** What a tunnel had moved at a look. */
interface Look extends Rate {
  readonly at: number;
  readonly sent: number;
  readonly received: number;
}

/** How fast tunnels are, from one look to the next; at the first look since they were asked for. */
export class Rates {
  readonly #looks = new WeakMap<Tunnel, Look>();

  read(tunnel: Tunnel): Rate {
    const { sent = 0, received = 0 } = tunnel.handle ?? {};
    const before = this.#looks.get(tunnel) ?? {
      at: tunnel.started,
      sent: 0,
      received: 0,
      sentRate: 0,
      receivedRate: 0,
    };
    const at = performance.now();
    const seconds = (at - before.at) / 1000;
    if (seconds * 1000 < leastMs) return before;
    const look = {
      at,
      sent,
      received,
      sentRate: Math.round((sent - before.sent) / seconds),
      receivedRate: Math.round((received - before.received) / seconds),
    };
    this.#looks.set(tunnel, look);
    return look;
  }
}
