import { readFile } from 'node:fs/promises';
import { rootCertificates, type SecureContext } from 'node:tls';
import { findCertificates } from './pem.ts';
import { type Machine, readNamedStore, readSystemStore, type Store, thisMachine } from './store.ts';

/** The authorities that vouch for servers where nobody named any. */
export interface Authorities {
  /** PEM, each once. */
  readonly certificates: readonly string[];
  /** How many they are and where they are from, in words. */
  readonly description: string;
  /** Reasons why authorities are missing that one would expect, a line each. */
  readonly notes: readonly string[];
  /** Contexts that were made of them, by what else went in: reading all of them takes a while. */
  readonly contexts: Map<string, SecureContext>;
}

/** The last result. While the files stay the same the certificates in them are not parsed again. */
let known: { readonly key: string; readonly authorities: Authorities } | undefined;

/**
 * Finds the authorities: those that are built into Node, those of NODE_EXTRA_CA_CERTS, and those of the system or of
 * what SSL_CERT_FILE and SSL_CERT_DIR name instead. These two are read now; the function that comes back reads the
 * rest, which takes some 50 ms.
 * @throws {TunlError} usage, when what a variable names cannot be read
 */
export async function findAuthorities(
  { noSystemCa = false }: { readonly noSystemCa?: boolean },
  machine: Machine = thisMachine,
): Promise<() => Promise<Authorities>> {
  const named = noSystemCa ? { certificates: [] } : await readNamedStore(machine);
  return async () => toAuthorities(await readExtra(machine), named ?? (await readSystemStore(machine)));
}

/** Says how many authorities there are. */
export function countAuthorities(count: number): string {
  return count === 1 ? '1 authority' : `${count} authorities`;
}

/** Node leaves them out as soon as it is given others. */
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
  if (known?.key !== key)
    known = { key, authorities: join([{ certificates: rootCertificates, from: 'Node' }, ...stores]) };
  return known.authorities;
}

function join(stores: readonly Store[]): Authorities {
  const all = stores.flatMap(({ certificates }) => certificates);
  const certificates = [...new Map(all.map((pem) => [pem.replaceAll(/\s/g, ''), pem])).values()];
  const from = stores.flatMap((store) => store.from ?? []);
  const last = from.pop();
  const places = from.length === 0 ? last : `${from.join(', ')} and ${last}`;
  return {
    certificates,
    description: `${countAuthorities(certificates.length)} from ${places}`,
    notes: stores.flatMap(({ note }) => note ?? []),
    contexts: new Map(),
  };
}
