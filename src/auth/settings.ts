import type { HopSetting } from '../core/carrier.ts';
import { usageError } from '../core/errors.ts';
import { suggest } from '../syntax/suggest.ts';
import { quote } from '../syntax/text.ts';
import { authName, every } from './allowed.ts';
import { schemes } from './schemes/all.ts';
import { tokenSettings } from './schemes/bearer.ts';
import { negotiateSettings } from './schemes/negotiate.ts';

/** Names of the schemes, in the order in which `auto` tries them. */
export const schemeNames: readonly string[] = schemes.map(({ name }) => name);

/**
 * Reads the value of `auth`: `auto`, or a list of schemes.
 * @throws {TunlError} usage, with `where` in front
 */
export function parseAuth(value: string, where = 'a list of schemes'): string {
  const names = value.toLowerCase().split(',');
  if (names.length === 1 && names[0] === every) return every;
  for (const name of names) {
    if (schemeNames.includes(name)) continue;
    const near = suggest(name, schemeNames);
    throw usageError(
      `${where}: there is no authentication scheme ${quote(name)}`,
      ...(near === undefined ? [] : [`did you mean ${near}?`]),
      `write auto, or some of ${schemeNames.join(',')}`,
    );
  }
  return [...new Set(names)].join(',');
}

/** The settings of every hop that is asked for tunnels by CONNECT over HTTP. */
export const authSettings: readonly HopSetting[] = [
  {
    name: authName,
    summary: `how to prove who we are: auto, or a list of ${schemeNames.join(', ')}; the first that can be begun`,
    parse: (value) => parseAuth(value),
  },
  ...tokenSettings,
  ...negotiateSettings,
];
