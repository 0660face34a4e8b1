import type { DraftWay, NamedWay } from '../../../app/commands/config.ts';
import type { ForwardSpec } from '../../../app/commands/options.ts';
import type { HopFallbacks } from '../../../syntax/hop.ts';

/** A target whose way is to be found; `any` for one that clients will name. */
export interface Wanted {
  readonly target: ForwardSpec['target'] | 'any';
  /** The way that the configuration gives it by name: its forward has its own, or an entry of `match` is meant. */
  readonly way?: NamedWay;
}

/** The way to a target. Targets with the same way have the same object. */
export interface Decided {
  readonly way: DraftWay;
  /** Where it comes from, in a phrase: `from -x`, or why there is no proxy. */
  readonly source: string;
}

/** Settings for finding ways. */
export interface WayOptions {
  /** The values of `-x`, in travel order. */
  readonly urls: readonly string[];
  /** True if no target is reached through a proxy. */
  readonly isDirect: boolean;
  /** Settings of the hops that have none of their own. */
  readonly fallbacks: Omit<HopFallbacks, 'source'>;
  /** The level at which invalid entries of NO_PROXY are reported. */
  readonly doubts: 'warning' | 'verbose';
}

/** No proxy at all. */
export const direct: DraftWay = [];
