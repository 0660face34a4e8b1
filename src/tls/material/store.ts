import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import * as tls from 'node:tls';
import { usageError } from '../../core/errors.ts';
import { single } from '../../core/program.ts';
import { explainReadError, findCertificates, isReadable } from './pem.ts';

/** A collection of authorities, and its place. */
export interface Store {
  /** PEM, one certificate each. */
  readonly certificates: readonly string[];
  /** A description of the place; absent if there was no store. */
  readonly from?: string;
  /** One line that says why the store is empty, and what to do. */
  readonly note?: string;
}

/** Facts about a machine that decide which store is read. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Files in which systems keep all authorities, in the order in which they are tried. */
  readonly bundles: readonly string[];
  /** Folders with a file for each authority, named by a hash. */
  readonly folders: readonly string[];
  /** Asks the system itself; absent if Node cannot. */
  readonly ask?: () => readonly string[];
}

// Since Node 22.15; our types are older.
const { getCACertificates } = tls as { getCACertificates?: (type: 'system') => string[] };

/** The machine on which this process runs. */
export const thisMachine: Machine = {
  env: process.env,
  platform: process.platform,
  bundles: [
    '/etc/ssl/certs/ca-certificates.crt', // Debian, Gentoo, Arch
    '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, Red Hat
    '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    '/etc/ssl/ca-bundle.pem', // SUSE
    '/etc/ssl/cert.pem', // Alpine, OpenBSD, FreeBSD
    '/usr/local/etc/ssl/cert.pem',
    '/usr/local/share/certs/ca-root-nss.crt',
    '/etc/openssl/certs/ca-certificates.crt', // NetBSD
  ],
  folders: ['/etc/ssl/certs', '/etc/pki/tls/certs', '/usr/local/share/certs', '/etc/openssl/certs'],
  ...(getCACertificates && { ask: () => getCACertificates('system') }),
};

/** The facts about a process that decide what Node trusts if it is told nothing. */
type OwnTrust = Pick<NodeJS.Process, 'config' | 'env' | 'execArgv'>;

/**
 * True if Node trusts its built-in authorities and those of NODE_EXTRA_CA_CERTS, and no others. A build of a distribution,
 * an option or a variable may make it trust the store of OpenSSL or of the system instead, or as well.
 */
export function hasOwnStore({ config, env, execArgv }: OwnTrust): boolean {
  const { target_defaults: { defines = [] } = {} } = config as { target_defaults?: { defines?: readonly string[] } };
  // The single executable does not read the variable.
  const options = [...execArgv, single ? '' : (env['NODE_OPTIONS'] ?? '')].join(' ');
  return (
    defines.length > 0 &&
    !defines.some((define) => /_CERT_(?:STORE|PATH)/.test(define)) &&
    !/-ca\b/.test(options) &&
    !env['NODE_USE_SYSTEM_CA']
  );
}

/** The file names by which OpenSSL finds an authority: a hash of its subject, and a number. */
const hashedName = /^[\da-f]{8}\.\d+$/;

/**
 * Reads the store that SSL_CERT_FILE and SSL_CERT_DIR name instead of the system's; undefined if neither is set. As in
 * OpenSSL the second is a list of folders, in which only hashed names count.
 * @throws {TunlError} usage, if one of them cannot be read or has no certificate
 */
export async function readNamedStore({ env }: Machine): Promise<Store | undefined> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = env;
  if (!file && !folders) return undefined;
  const parts = await Promise.all([
    ...(file ? [readNamedFile(file)] : []),
    ...(folders ? [readNamedFolders(folders)] : []),
  ]);
  return {
    certificates: parts.flatMap(({ certificates }) => certificates),
    from: parts.map(({ from }) => from).join(' and '),
  };
}

async function readNamedFile(path: string): Promise<Store> {
  const from = `SSL_CERT_FILE ${JSON.stringify(path)}`;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw usageError(`cannot read ${from}: ${explainReadError(error)}`, 'unset it to use the store of the system');
  });
  const certificates = findCertificates(text);
  if (!certificates.some(isReadable)) throw usageError(`${from} holds no certificate in PEM form`);
  return { certificates, from };
}

async function readNamedFolders(list: string): Promise<Store> {
  const from = `SSL_CERT_DIR ${JSON.stringify(list)}`;
  const folders = list.split(delimiter).filter((path) => path !== '');
  const found = await Promise.all(
    folders.map((path) =>
      readFolder(path).catch((error: NodeJS.ErrnoException) => {
        const what = explainReadError(error).replace('no such file', 'no such folder');
        throw usageError(`cannot read ${from}: ${path}: ${what}`, 'unset it to use the store of the system');
      }),
    ),
  );
  const certificates = found.flat();
  if (!certificates.some(isReadable)) {
    throw usageError(`${from} holds no certificate under a hashed name`, `openssl rehash ${folders[0] ?? 'FOLDER'}`);
  }
  return { certificates, from };
}

/** Reads the system's store. Unreadable parts are skipped, because the user has not chosen it. */
export async function readSystemStore(machine: Machine): Promise<Store> {
  const { platform, ask } = machine;
  if (platform === 'darwin' || platform === 'win32') {
    if (ask) return { certificates: ask(), from: 'the store of the system' };
    const note = 'Node before 22.15 cannot read the store of this system: update Node, or set SSL_CERT_FILE';
    return { certificates: [], note };
  }
  // Not by Node, which only looks in the folders of its own OpenSSL and takes four times as long.
  const files = (await findBundle(machine)) ?? (await findFolder(machine));
  if (files) return files;
  const certificates = ask?.() ?? [];
  if (certificates.length > 0) return { certificates, from: 'the store of the system' };
  return { certificates, note: 'no store of the system was found: SSL_CERT_FILE can name one' };
}

async function findBundle({ bundles }: Machine): Promise<Store | undefined> {
  for (const path of bundles) {
    const certificates = findCertificates(await readFile(path, 'utf8').catch(() => ''));
    if (certificates.length > 0) return { certificates, from: path };
  }
  return undefined;
}

async function findFolder({ folders }: Machine): Promise<Store | undefined> {
  for (const path of folders) {
    const certificates = await readFolder(path).catch(() => []);
    if (certificates.length > 0) return { certificates, from: path };
  }
  return undefined;
}

async function readFolder(path: string): Promise<string[]> {
  const names = (await readdir(path)).filter((name) => hashedName.test(name)).toSorted();
  // Removed authorities leave dangling links.
  const texts = await Promise.all(names.map((name) => readFile(join(path, name), 'utf8').catch(() => '')));
  return texts.flatMap(findCertificates);
}
