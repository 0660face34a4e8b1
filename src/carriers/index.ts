import type { Carrier, CarrierScheme, ServeSwitch } from '../core/carrier.ts';
import type { Hop } from '../core/hop.ts';
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

/** The names of the schemes whose hops are reached over TLS. */
export const securedSchemes: ReadonlySet<string> = new Set(schemes.flatMap(({ scheme, tls }) => (tls ? [scheme] : [])));

/** The switches of `serve` that the carriers declare: those that accept a carrier, each with those that refine it. */
export const carrierSwitches: readonly ServeSwitch[] = carriers.flatMap(({ serveFlag, serveSwitches = [] }) => [
  ...(serveFlag ? [serveFlag] : []),
  ...serveSwitches,
]);

/** Finds a scheme by its name, without `://`. */
export function findScheme(name: string): (typeof schemes)[number] | undefined {
  return schemes.find(({ scheme }) => scheme === name);
}

/** True for a hop whose carrier tries several modes. */
export function triesModes({ scheme, chooser }: Hop): boolean {
  return !chooser && findScheme(scheme)?.carrier.modes !== undefined;
}
