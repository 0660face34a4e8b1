import type { InternalAddress, TcpAddress, UnixAddress } from '../../core/address.ts';
import type { Hop } from '../../core/hop.ts';
import type { Limits } from '../../syntax/settings.ts';

export type { Limits } from '../../syntax/settings.ts';

/** One place on the way: alternatives that are tried in turn, at least one. */
export type HopChoice = readonly Hop[];

/** How targets are reached. */
export interface RouteOptions {
  /** In travel order, the nearest first; empty means direct. */
  readonly hops: readonly HopChoice[];
  /** The stage of this process that the way leads through before the first hop: it carries bytes, with no CONNECT. */
  readonly entry?: InternalAddress;
  readonly limits: Limits;
  /** Use only this address family. */
  readonly family?: 4 | 6;
  /**
   * Who knows the addresses of names: the system, or the name servers. Where absent, the name servers alone for clients
   * who choose where they go, and for a fixed target, as ssh does, the system too.
   */
  readonly resolver?: 'system' | 'dns';
  /** How often a dial that failed is repeated; 0 where absent. */
  readonly retries?: number;
  /**
   * How long is waited before a retry: anything up to `baseMs`, then up to twice as much each time, at most `maxMs`.
   * Where absent about 250 ms at first and at most 10 s, and not at all where `retryOn` is `any`.
   */
  readonly backOff?: { readonly baseMs: number; readonly maxMs: number };
  /** Which failures are retried: those that may pass (where absent), or each. */
  readonly retryOn?: 'passing' | 'any';
  /** Which of several hops at one place: the first that works (where absent), or each in turn. */
  readonly hopBalance?: 'first' | 'round-robin';
}

/** The name of a route in its graph. Stages and upstreams that refer to the same route share the sessions with its hops. */
export type RouteName = string;

/** A place that a stage can lead to. */
export type Target = TcpAddress | UnixAddress | InternalAddress;

/** The targets of a stage: one, or several of which one is taken for each tunnel. */
export interface TargetChoice {
  /** At least one. */
  readonly targets: readonly Target[];
  /** `first`: the first that can be reached; `round-robin`: each in turn, those that cannot be reached left out. */
  readonly balance: 'first' | 'round-robin';
}
