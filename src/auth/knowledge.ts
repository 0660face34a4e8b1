import { formatHop, type HeaderField, type Hop } from '../core/hop.ts';
import type { AuthFields } from './model/fields.ts';
import type { Scheme } from './model/scheme.ts';
import { schemes } from './schemes/all.ts';
import { authName, listAllowed } from './allowed.ts';

/** What was learned about a proxy: how it authenticates, and its version of HTTP. It holds no secret. */
export interface Learned {
  /** Name of the scheme that it accepted last. */
  readonly scheme?: string;
  readonly realm?: string;
  /** True if it closes the connection after a 407 that answered no credentials. */
  readonly closes?: true;
  /** The highest version of HTTP in which it opens tunnels; absent if it was not found to refuse any. */
  readonly version?: '1.1' | '1.0';
}

/** By the URL of the proxy, without secrets; as long as the process. */
const learned = new Map<string, Learned>();

/** Returns what is known about a proxy. */
export function recall(hop: Hop): Learned {
  return learned.get(formatHop(hop)) ?? {};
}

/** Adds to what is known about a proxy. A fact that is undefined is forgotten. */
export function learn(hop: Hop, facts: { readonly [Key in keyof Learned]: Learned[Key] | undefined }): void {
  const all = Object.entries({ ...recall(hop), ...facts }).filter(([, value]) => value !== undefined);
  learned.set(formatHop(hop), Object.fromEntries(all));
}

/** Schemes that are begun before the hop has asked, if they are the only ones that `auth` allows. */
const atOnce: ReadonlySet<string> = new Set(['bearer', 'basic']);

/**
 * Finds the scheme whose credentials go with the first request, before the hop has asked for any: the one that it is
 * known to accept; else a token, or the user and the password as Basic, unless `auth` leaves the choice to the hop. If
 * the user is in all likelihood one of another scheme, the hop is asked first.
 */
export function findFirstScheme(hop: Hop): Scheme | undefined {
  const { scheme } = recall(hop);
  const auth = hop.settings[authName];
  if (scheme === undefined && auth === undefined && !hop.credentials && Object.keys(hop.settings).length === 0) return;
  const possible = listAllowed(hop).filter((allowed) => allowed.obstacle(hop) === undefined);
  const known = possible.find(({ name }) => name === scheme);
  if (known || (auth !== undefined && auth.includes(','))) return known;
  return possible.find(({ name, isUnlikely }) => {
    if (auth !== undefined) return name === auth && atOnce.has(name);
    return atOnce.has(name) && !isUnlikely?.(hop);
  });
}

/** True if a hop must be asked in HTTP/1.1, as far as is known: its scheme authenticates connections. */
export function needsHttp1(hop: Hop): boolean {
  const { scheme } = recall(hop);
  const known = schemes.filter(({ name }) => name === scheme);
  const wanted = hop.settings[authName] === undefined ? known : [...known, ...listAllowed(hop)];
  return wanted.length > 0 && wanted.every(({ binding }) => binding === 'connection');
}

/** True for a hop that the user expects to ask who we are. */
export function isAuthSaid({ credentials, settings }: Hop): boolean {
  return credentials !== undefined || settings[authName] !== undefined;
}

/** True if the user has written the field that authenticates, so that nothing is negotiated. */
export function isFieldGiven(fields: readonly HeaderField[], { credentials }: AuthFields): boolean {
  return fields.some(([name]) => name.toLowerCase() === credentials.toLowerCase());
}
