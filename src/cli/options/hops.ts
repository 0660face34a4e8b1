import { carriers, schemes } from '../../carriers/index.ts';
import type { Hop } from '../../core/hop.ts';
import { type DraftHop, type HopFallbacks, parseHop } from '../../syntax/hop.ts';
import { findPasswords, type PasswordSources } from './credentials.ts';

/**
 * Reads the URLs of hops in travel order.
 * @throws {TunlError} usage, never with a user name, a password or a header value in it
 */
export function parseHops(urls: readonly string[], fallbacks: HopFallbacks): DraftHop[] {
  return urls.map((url) => parseHop(url, fallbacks, schemes));
}

/**
 * Gives each hop the password that its URL leaves open.
 * @throws {TunlError} usage, when one has none; interrupted, when a signal came while a person was asked
 */
export async function fillPasswords(drafts: readonly DraftHop[], sources: PasswordSources): Promise<Hop[]> {
  const open = drafts.flatMap((draft) => draft.open ?? []);
  const passwords = await findPasswords(open, sources);
  return drafts.map(({ open: wanted, ...hop }) => {
    const password = wanted && passwords[open.indexOf(wanted)];
    return password === undefined ? hop : { ...hop, credentials: { user: wanted?.user ?? '', password } };
  });
}

/** The schemes with what they do, for help and completions. */
export function listSchemes(): readonly { readonly scheme: string; readonly summary: string }[] {
  return carriers.flatMap((carrier) => carrier.schemes.map(({ scheme, summary }) => ({ scheme, summary })));
}
