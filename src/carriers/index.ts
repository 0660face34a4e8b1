import type { Carrier, CarrierScheme } from '../core/carrier.ts';
import * as all from './all.ts';

/** Every carrier, in the order of the registry. */
export const carriers: readonly Carrier[] = Object.values(all);

/** Every scheme that `-x` takes, with its carrier. */
export const schemes: readonly (CarrierScheme & { readonly carrier: Carrier })[] = carriers.flatMap((carrier) =>
  carrier.schemes.map((scheme) => ({ ...scheme, carrier })),
);

/** Looks a scheme up by its name, without `://`. */
export function findScheme(name: string): (typeof schemes)[number] | undefined {
  return schemes.find(({ scheme }) => scheme === name);
}
