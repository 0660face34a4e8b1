import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import * as tls from 'node:tls';
import { usageError } from '../core/errors.ts';
import { explainReadError, findCertificates, isReadable } from './pem.ts';

/** Authorities that somebody put together, and where they stand. */
export interface Store {
  /** PEM, one certificate each. */
  readonly certificates: readonly string[];
  /** Their source in words; absent where there was no store. */
  readonly from?: string;
  /** Why there is nothing in it, and what to do: one line. */
  readonly note?: string;
}

/** The parts of a machine that decide which store is read. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Files in which systems keep all authorities, in the order in which they are looked for. */
  readonly bundles: readonly string[];
  /** Folders with a file for each authority, under the hash of its name. */
  readonly folders: readonly string[];
  /** Asks the system itself; absent where Node cannot. */
  readonly ask?: () => readonly string[];
}

// From 22.15 on, and known to no type here.
const { getCACertificates } = tls as { getCACertificates?: (type: 'system') => string[] };

/** The machine that we run on. */
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

/** The names under which OpenSSL looks for an authority: the hash of its subject and a number. */
const hashedName = /^[\da-f]{8}\.\d+$/;

/**
 * What SSL_CERT_FILE and SSL_CERT_DIR name instead of the system's store; undefined where neither is set. As with
 * OpenSSL the second is a list of folders, in which only hashed names count.
 * @throws {TunlError} usage, when one of them cannot be read or holds no certificate
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
    throw usageError(`cannot read ${from}: ${explainReadError(error)}`, 'unset it for the store of the system');
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
        throw usageError(`cannot read ${from}: ${path}: ${what}`, 'unset it for the store of the system');
      }),
    ),
  );
  const certificates = found.flat();
  if (!certificates.some(isReadable)) {
    throw usageError(`${from} holds no certificate under a hashed name`, `openssl rehash ${folders[0] ?? 'FOLDER'}`);
  }
  return { certificates, from };
}

/** The system's store. What cannot be read in it is passed over: nobody here has chosen it. */
export async function readSystemStore(machine: Machine): Promise<Store> {
  const { platform, ask } = machine;
  if (platform === 'darwin' || platform === 'win32') {
    if (ask) return { certificates: ask(), from: 'the store of the system' };
    const note = 'Node before 22.15 cannot read the store of this system: update Node, or set SSL_CERT_FILE';
    return { certificates: [], note };
  }
  // Before Node, which looks in the folders of its OpenSSL only, and takes four times as long.
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
  // Links that lead nowhere are left behind when authorities go.
  const texts = await Promise.all(names.map((name) => readFile(join(path, name), 'utf8').catch(() => '')));
  return texts.flatMap(findCertificates);
}
