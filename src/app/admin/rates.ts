import type { Tunnel } from '../tunnel/tunnels.ts';

/** The shortest time between two measurements, in milliseconds; a read before that returns the last result. */
const leastMs = 500;

/** Bytes per second in both directions. */
export interface Rate {
  readonly sentRate: number;
  readonly receivedRate: number;
}

/** The bytes that a tunnel had moved at a measurement. */
interface Look extends Rate {
  readonly at: number;
  readonly sent: number;
  readonly received: number;
}

/** Measures the speed of tunnels between two reads; the first read measures from the request for the tunnel. */
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
