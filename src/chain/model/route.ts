import type { InternalAddress, TcpAddress, UnixAddress } from '../../core/address.ts';
import type { Hop } from '../../core/hop.ts';
import type { Limits } from '../../syntax/settings.ts';
import type { RouteValues } from '../../syntax/stage-settings.ts';

export type { Limits } from '../../syntax/settings.ts';

/** One position on a route, with at least one hop. Several hops are alternatives. */
export type HopChoice = readonly Hop[];

/** The settings of a route to targets. */
export interface RouteOptions extends RouteValues {
  /** The hops, nearest first; empty for direct connections. */
  readonly hops: readonly HopChoice[];
  /** A stage of this process that the route passes before the first hop. It relays bytes; no CONNECT is sent to it. */
  readonly entry?: InternalAddress;
  readonly limits: Limits;
  /**
   * The random wait before a retry, in milliseconds: up to `baseMs` at first, then up to twice as much each time, but
   * at most `maxMs`. Default: about 250 ms at first and at most 10 s; no wait if `retryOn` is `any`.
   */
  readonly backOff?: { readonly baseMs: number; readonly maxMs: number };
  /** The failures that are retried: only temporary ones (the default), or any. */
  readonly retryOn?: 'passing' | 'any';
  /** The choice between alternative hops: the first that works (the default), or each in turn. */
  readonly hopBalance?: 'first' | 'round-robin';
}

/** The name of a route in its graph. Stages and upstreams with the same route share the sessions with its hops. */
export type RouteName = string;

/** An address that a stage can dial as its target. */
export type Target = TcpAddress | UnixAddress | InternalAddress;

/** The targets of a stage, of which one is chosen for each tunnel. */
export interface TargetChoice {
  /** At least one. */
  readonly targets: readonly Target[];
  /** `first` uses the first reachable target; `round-robin` uses each in turn and skips unreachable ones. */
  readonly balance: 'first' | 'round-robin';
}
