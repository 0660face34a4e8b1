import { formatAddress } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Peer } from '../../core/link.ts';
import type { RelayHandle } from '../../relay/relay.ts';
import type { Limits } from '../../syntax/settings.ts';

/** A tunnel of this process, from the moment somebody asks for it. */
export interface Tunnel {
  readonly id: number;
  readonly client: string;
  target: string;
  via: readonly string[];
  /** The stages that it leads through, outermost first, as far as its own relay goes. */
  stages: readonly string[];
  /** Where a request of an HTTP stage went to. */
  upstream?: string;
  /** How many of them led to it: those have relays of their own. */
  readonly depth: number;
  readonly user?: string;
  /** False where it is the inner part of a tunnel that has its record already. */
  readonly isRecorded: boolean;
  /** Milliseconds of `performance.now()` when it was asked for. */
  readonly started: number;
  /** Set once bytes flow. */
  handle?: RelayHandle;
  /** It is being ended because of its age. */
  hasExpired?: boolean;
  /** Ends it in whatever phase it is. */
  cut(error: TunlError): void;
}

/** All live tunnels: tables, drains and cuts go through here. Inner parts of tunnels are waited for and cut, and not counted. */
export class Tunnels {
  readonly #live = new Map<number, Tunnel>();
  /** Told of each tunnel that leaves, whether or not it came up. */
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

  /** How many have been asked for so far. */
  get asked(): number {
    return this.#lastId;
  }

  *[Symbol.iterator](): Generator<Tunnel> {
    for (const tunnel of this.#live.values()) if (tunnel.isRecorded) yield tunnel;
  }

  /** What is live in each stage, by its name: open tunnels, and the bytes that they have carried. */
  countStages(): Map<string, { tunnels: number; sent: number; received: number }> {
    const counters = new Map<string, { tunnels: number; sent: number; received: number }>();
    for (const { stages, depth, handle } of this.#live.values()) {
      for (const stage of stages.slice(depth)) {
        const { tunnels, sent, received } = counters.get(stage) ?? { tunnels: 0, sent: 0, received: 0 };
        counters.set(stage, {
          tunnels: tunnels + 1,
          sent: sent + (handle?.sent ?? 0),
          received: received + (handle?.received ?? 0),
        });
      }
    }
    return counters;
  }

  /** Says something that is worth hearing once, however many tunnels it is true of. */
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

  /** Ends one tunnel; false where there is no such. */
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

/** A peer as events name it. */
export function formatPeer(peer: Peer): string {
  return peer.address ? formatAddress(peer.address) : 'stdin';
}

const nothing = (): void => {};

/** Limits for the age of a tunnel. */
export type LifetimeLimits = Pick<Limits, 'lifetimeMs'>;

/** Ends a tunnel at a certain age, whatever it moves and whether it is up yet. Returns what stops that. */
export function limitLifetime(tunnel: Tunnel, { lifetimeMs: ms = 0 }: LifetimeLimits): () => void {
  if (ms === 0) return nothing;
  const timer = setTimeout(() => {
    const message = `the tunnel had reached its lifetime of ${formatDuration(ms)}`;
    tunnel.hasExpired = true;
    tunnel.cut(new TunlError('tunnel_truncated', message, { side: 'self', phase: 'relay', status: 504 }));
  }, ms);
  return () => clearTimeout(timer);
}
