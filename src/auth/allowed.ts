import type { Hop } from '../core/hop.ts';
import type { Scheme } from './model/scheme.ts';
import { schemes } from './schemes/all.ts';

/** The value of `auth` that allows every scheme. */
export const every = 'auto';

/** Name of the setting for the schemes, in the query of a hop; the option has `proxy-` in front. */
export const authName = 'auth';

/** The schemes that a hop may be offered, in the order in which they are tried. */
export function listAllowed(hop: Hop): readonly Scheme[] {
  const value = hop.settings[authName] ?? every;
  if (value === every) {
    const unlikely = schemes.filter((scheme) => scheme.isUnlikely?.(hop));
    return unlikely.length === 0 ? schemes : [...schemes.filter((scheme) => !unlikely.includes(scheme)), ...unlikely];
  }
  return value.split(',').flatMap((name) => schemes.filter((scheme) => scheme.name === name));
}
