import { readFile } from 'node:fs/promises';
import { rootCertificates, type SecureContext } from 'node:tls';
import type { TlsSettings } from '../../core/hop.ts';
import { findCertificates } from './pem.ts';
import { type Machine, readNamedStore, readSystemStore, type Store, thisMachine } from './store.ts';

/** The authorities that are trusted if the user names none. */
export interface Authorities {
  /** PEM, without duplicates: those that are built into Node, and all others. */
  readonly builtIn: readonly string[];
  readonly others: readonly string[];
  /** Their number and their sources in words. */
  readonly description: string;
  /** Reasons why expected authorities are missing, one line each. */
  readonly notes: readonly string[];
  /** Contexts that were made of them, by their other options: making one takes a while. */
  readonly contexts: Map<string, SecureContext>;
}

/** The last result, so that certificates are not parsed again while the files stay the same. */
let known: { readonly key: string; readonly authorities: Authorities } | undefined;

/**
 * Finds the authorities: those that are built into Node, those of NODE_EXTRA_CA_CERTS, and those of the system or, if
 * they are set, of SSL_CERT_FILE and SSL_CERT_DIR; or the first of these alone. Files that these two name are read now; the returned function reads
 * the rest, which takes some 50 ms.
 * @throws {TunlError} usage, if a file that these two name cannot be read
 */
export async function findAuthorities(
  { noSystemCa = false, publicCaOnly = false }: Pick<TlsSettings, 'noSystemCa' | 'publicCaOnly'>,
  machine: Machine = thisMachine,
): Promise<() => Promise<Authorities>> {
  if (publicCaOnly) return () => Promise.resolve(toAuthorities());
  const named = noSystemCa ? { certificates: [] } : await readNamedStore(machine);
  return async () => toAuthorities(await readExtra(machine), named ?? (await readSystemStore(machine)));
}

/** Writes a number of authorities in words. */
export function countAuthorities(count: number): string {
  return count === 1 ? '1 authority' : `${count} authorities`;
}

/** Reads NODE_EXTRA_CA_CERTS, which Node ignores as soon as it is given other authorities. */
async function readExtra({ env }: Machine): Promise<Store> {
  const { NODE_EXTRA_CA_CERTS: path } = env;
  if (!path) return { certificates: [] };
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined)
    return { certificates: [], note: `NODE_EXTRA_CA_CERTS ${JSON.stringify(path)} cannot be read` };
  return { certificates: findCertificates(text), from: 'NODE_EXTRA_CA_CERTS' };
}

function toAuthorities(...stores: readonly Store[]): Authorities {
  const key = JSON.stringify(stores);
  if (known?.key !== key) known = { key, authorities: join(stores) };
  return known.authorities;
}

function join(stores: readonly Store[]): Authorities {
  const found = new Map(rootCertificates.map((pem) => [signatureEnd(pem), pem]));
  const builtIn = [...found.values()];
  for (const { certificates } of stores) for (const pem of certificates) found.set(signatureEnd(pem), pem);
  const others = [...found.values()].slice(builtIn.length);
  const from = ['Node', ...stores.flatMap((store) => store.from ?? [])];
  const last = from.pop();
  const places = from.length === 0 ? last : `${from.join(', ')} and ${last}`;
  return {
    builtIn,
    others,
    description: `${countAuthorities(found.size)} from ${places}`,
    notes: stores.flatMap(({ note }) => note ?? []),
    contexts: new Map(),
  };
}

/** Returns what two certificates can hardly have in common: 60 bytes at the end of the signature, however it is cut into lines. */
function signatureEnd(pem: string): string {
  return pem.trimEnd().slice(-160).replaceAll(/\s/g, '').slice(-105);
}
