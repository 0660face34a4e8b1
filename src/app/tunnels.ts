import { formatAddress } from '../core/address.ts';
import { TunlError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Peer } from '../core/link.ts';
import type { RelayHandle } from '../relay/relay.ts';

/** A tunnel of this process, from the moment somebody asks for it. */
export interface Tunnel {
  readonly id: number;
  readonly client: string;
  readonly target: string;
  readonly via: readonly string[];
  readonly user?: string;
  /** Milliseconds of `performance.now()` when it was asked for. */
  readonly started: number;
  /** Set once bytes flow. */
  handle?: RelayHandle;
  /** Ends it in whatever phase it is. */
  cut(error: TunlError): void;
}

/** All live tunnels: tables, drains and cuts go through here. */
export class Tunnels {
  readonly #live = new Map<number, Tunnel>();
  readonly #emit: EventSink;
  #lastId = 0;
  #onEmpty: (() => void) | undefined;

  constructor(emit: EventSink) {
    this.#emit = emit;
  }

  get size(): number {
    return this.#live.size;
  }

  /** How many have been asked for so far. */
  get asked(): number {
    return this.#lastId;
  }

  [Symbol.iterator](): Iterator<Tunnel> {
    return this.#live.values();
  }

  nextId(): number {
    return ++this.#lastId;
  }

  add(tunnel: Tunnel): void {
    this.#live.set(tunnel.id, tunnel);
  }

  remove(tunnel: Tunnel): void {
    this.#live.delete(tunnel.id);
    if (this.#live.size === 0) this.#onEmpty?.();
  }

  cutAll(error: TunlError): void {
    for (const tunnel of this.#live.values()) tunnel.cut(error);
  }

  /**
   * Waits for the tunnels to end by themselves, at most `graceMs`, and cuts what is left then.
   * Resolves with the number of tunnels that were cut.
   */
  async drain(graceMs: number, forced: AbortSignal): Promise<number> {
    this.#emit({ event: 'draining', tunnels: this.size, graceMs });
    await this.#empty(graceMs, forced);
    const left = this.size;
    this.cutAll(
      new TunlError('interrupted', 'the tunnel was cut because tunl was stopped', { side: 'self', phase: 'relay' }),
    );
    if (left > 0) await this.#empty(1000, new AbortController().signal);
    return left;
  }

  #empty(ms: number, forced: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        forced.removeEventListener('abort', finish);
        this.#onEmpty = undefined;
        resolve();
      };
      const timer = setTimeout(finish, ms);
      forced.addEventListener('abort', finish, { once: true });
      this.#onEmpty = finish;
      if (this.size === 0 || forced.aborted) finish();
    });
  }
}

/** A peer as events name it. */
export function formatPeer(peer: Peer): string {
  return peer.address ? formatAddress(peer.address) : 'stdin';
}
