import type { Carrier, CarrierScheme } from '../core/carrier.ts';
import * as all from './all.ts';

/**
 * Every carrier, by name: that is the order of a module's exports (ECMA-262, 10.4.6), which not
 * every tool that runs our sources keeps.
 */
export const carriers: readonly Carrier[] = Object.values(all).toSorted((first, second) =>
  first.name < second.name ? -1 : 1,
);

/** Every scheme that `-x` takes, with its carrier. */
export const schemes: readonly (CarrierScheme & { readonly carrier: Carrier })[] = carriers.flatMap((carrier) =>
  carrier.schemes.map((scheme) => ({ ...scheme, carrier })),
);

/** Looks a scheme up by its name, without `://`. */
export function findScheme(name: string): (typeof schemes)[number] | undefined {
  return schemes.find(({ scheme }) => scheme === name);
}
