import { formatAddress } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Peer, Resumption } from '../../core/link.ts';
import type { RelayHandle } from '../../relay/terms.ts';

/** A tunnel of this process, from the moment when a client asks for it. */
export interface Tunnel {
  readonly id: number;
  readonly client: string;
  target: string;
  via: readonly string[];
  /** The stages that it passes through, outermost first, as far as its own relay reaches. */
  stages: readonly string[];
  /** The address that a request of an HTTP stage went to. */
  upstream?: string | undefined;
  /** The upstream of an HTTP stage that it goes to, by its name; absent if the stage itself leads there. */
  cluster?: string | undefined;
  /** How many of `stages` lead to this tunnel; those have relays of their own. */
  readonly depth: number;
  readonly user?: string | undefined;
  /** False for the inner part of a tunnel that is recorded elsewhere. */
  readonly isRecorded: boolean;
  /** The time of the request for it, in milliseconds of `performance.now()`. */
  readonly started: number;
  /** The time at which all of a request for an upstream had come; absent for tunnels, and before. */
  asked?: number;
  /** The parts of its way that outlive their transports; absent if there are none. */
  resumptions?: readonly Resumption[] | undefined;
  /** Set once bytes flow. */
  handle?: RelayHandle | undefined;
  /** True once its lifetime has expired. */
  hasExpired?: boolean;
  /** Ends it in any phase. */
  cut(error: TunlError): void;
}

/**
 * Holds all live tunnels, for tables, drains and cuts. Inner parts of tunnels are waited for and cut, but not counted.
 */
export class Tunnels {
  readonly #live = new Map<number, Tunnel>();
  /** Called for each tunnel that is removed, whether or not it came up. */
  onLeave: ((tunnel: Tunnel) => void) | undefined;
  readonly #emit: EventSink;
  readonly #said = new Set<string>();
  #lastId = 0;
  #onEmpty: (() => void) | undefined;

  constructor(emit: EventSink) {
    this.#emit = emit;
  }

  get size(): number {
    return [...this].length;
  }

  /** The number of tunnels requested so far. */
  get asked(): number {
    return this.#lastId;
  }

  *[Symbol.iterator](): Generator<Tunnel> {
    for (const tunnel of this.#live.values()) if (tunnel.isRecorded) yield tunnel;
  }

  /** Lists all live tunnels, inner parts included. */
  all(): Iterable<Tunnel> {
    return this.#live.values();
  }

  /** Emits a warning once, no matter how many tunnels it applies to. */
  warnOnce(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#emit({ event: 'notice', level: 'warning', message });
  }

  nextId(): number {
    return ++this.#lastId;
  }

  add(tunnel: Tunnel): void {
    this.#live.set(tunnel.id, tunnel);
  }

  remove(tunnel: Tunnel): void {
    this.#live.delete(tunnel.id);
    this.onLeave?.(tunnel);
    if (this.#live.size === 0) this.#onEmpty?.();
  }

  /** Ends one tunnel; returns false if there is no such tunnel. */
  cut(id: number, error: TunlError): boolean {
    const tunnel = this.#live.get(id);
    if (!tunnel?.isRecorded) return false;
    tunnel.cut(error);
    return true;
  }

  cutAll(error: TunlError): void {
    for (const tunnel of this.#live.values()) tunnel.cut(error);
  }

  /**
   * Waits at most `graceMs` milliseconds for the tunnels to end by themselves and cuts the rest. Resolves with the
   * number of tunnels that were cut.
   */
  async drain(graceMs: number, forced: AbortSignal): Promise<number> {
    this.#emit({ event: 'draining', tunnels: this.size, graceMs });
    await this.#empty(graceMs, forced);
    const left = this.size;
    this.cutAll(
      new TunlError('interrupted', 'the tunnel was cut because tunl was stopped', { side: 'self', phase: 'relay' }),
    );
    if (this.#live.size > 0) await this.#empty(1000, new AbortController().signal);
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
      if (this.#live.size === 0 || forced.aborted) finish();
    });
  }
}

/** Formats a peer as events name it. */
export function formatPeer(peer: Peer): string {
  return peer.address ? formatAddress(peer.address) : 'stdin';
}

const nothing = (): void => {};

/** The limit for the age of a tunnel, in milliseconds; 0 means none. */
export interface LifetimeLimits {
  readonly lifetimeMs?: number | undefined;
}

/**
 * Ends a tunnel at a certain age, even if it is busy or not yet up. Returns a function that cancels this.
 * @param statusOf the status for the client, if it has no answer then
 */
export function limitLifetime(
  tunnel: Tunnel,
  { lifetimeMs: ms = 0 }: LifetimeLimits,
  statusOf: () => number = () => 504,
): () => void {
  if (ms === 0) return nothing;
  const timer = setTimeout(() => {
    const message = `the tunnel had reached its lifetime of ${formatDuration(ms)}`;
    tunnel.hasExpired = true;
    tunnel.cut(new TunlError('tunnel_truncated', message, { side: 'self', phase: 'relay', status: statusOf() }));
  }, ms);
  return () => clearTimeout(timer);
}
