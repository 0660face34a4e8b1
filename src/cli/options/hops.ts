import { carriers, schemes } from '../../carriers/index.ts';
import type { Hop } from '../../core/hop.ts';
import { type DraftHop, type HopFallbacks, parseHop } from '../../syntax/hop.ts';
import type { Arguments } from '../parse/arguments.ts';
import { flag } from '../parse/option.ts';
import type { Io } from '../terminal/io.ts';
import type { PasswordSources } from './credentials.ts';

/**
 * Parses the URLs of hops in travel order.
 * @throws {TunlError} usage; its message never contains a user name, a password or a header value
 */
export function parseHops(urls: readonly string[], fallbacks: HopFallbacks): DraftHop[] {
  return urls.map((url) => parseHop(url, fallbacks, schemes));
}

/**
 * Adds the password to each hop whose URL has a user and no password.
 * @throws {TunlError} usage, if a password cannot be found; interrupted, if a signal comes while the user is asked
 */
export async function fillPasswords(drafts: readonly DraftHop[], sources: PasswordSources): Promise<Hop[]> {
  // A proxy of the configuration may be on several ways.
  const open = [...new Set(drafts.flatMap((draft) => draft.open ?? []))];
  // Loaded on demand, because few hops have a user without a password.
  const passwords = open.length === 0 ? [] : await (await import('./credentials.ts')).findPasswords(open, sources);
  return drafts.map(({ open: wanted, ...hop }) => {
    const password = wanted && passwords[open.indexOf(wanted)];
    return password === undefined ? hop : { ...hop, credentials: { user: wanted?.user ?? '', password } };
  });
}

/** Lists the schemes with their summaries, for help and completions. */
export function listSchemes(): readonly { readonly scheme: string; readonly summary: string }[] {
  return carriers.flatMap((carrier) => carrier.schemes.map(({ scheme, summary }) => ({ scheme, summary })));
}

/** The option that keeps a command from using and leaving files in the folder for caches. */
export const noCacheOption = flag('no-cache', {
  summary: 'neither use nor keep what was learned of proxies: their scheme, their HTTP, their half-close, their mode',
});

/** Returns the environment that names the folder for caches; nothing if the user wants none. */
export function readCache(args: Arguments, { env }: Io): { readonly cacheEnv?: Io['env'] } {
  return args.get(noCacheOption) ? {} : { cacheEnv: env };
}
