import type { Carrier, CarrierScheme } from '../core/carrier.ts';
import * as all from './all.ts';

/**
 * All carriers, sorted by name. A module's exports are in this order too (ECMA-262, 10.4.6), but not every tool that
 * runs our sources keeps it.
 */
export const carriers: readonly Carrier[] = Object.values(all).toSorted((first, second) =>
  first.name < second.name ? -1 : 1,
);

/** All schemes that `-x` accepts, with their carriers. */
export const schemes: readonly (CarrierScheme & { readonly carrier: Carrier })[] = carriers.flatMap((carrier) =>
  carrier.schemes.map((scheme) => ({ ...scheme, carrier })),
);

/** Finds a scheme by its name, without `://`. */
export function findScheme(name: string): (typeof schemes)[number] | undefined {
  return schemes.find(({ scheme }) => scheme === name);
}
