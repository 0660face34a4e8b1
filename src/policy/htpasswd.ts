import { readFile } from 'node:fs/promises';
import { TunlError, usageError } from '../core/errors.ts';
import { decodeOctets } from '../core/octets.ts';
import { hasControl } from '../syntax/text.ts';
import { collectKeys, type DigestKeys, type DigestLine, parseDigestLine } from './digest.ts';
import { keepDigest, parseStoredPassword, type StoredPassword } from './password.ts';

/** The users of a file. */
export interface FileUsers {
  /** All of them: a hash of htdigest verifies a password too. */
  readonly passwords: ReadonlyMap<string, StoredPassword>;
  /** Those who may prove who they are by Digest, if there are any. */
  readonly digest?: DigestKeys;
}

/**
 * Reads an htpasswd file: `USER:HASH` lines, `#` comments and empty lines. Text after a second colon is a comment. Lines
 * of an htdigest file may be among them: `USER:REALM:HASH`, where the hash is MD5 or SHA-256 in hexadecimal digits.
 * @throws {TunlError} usage, naming the file and the line and never its contents; also if the file cannot be read or
 * has no user
 */
export async function loadHtpasswd(path: string): Promise<FileUsers> {
  try {
    const users = parseHtpasswd(await readText(path), path);
    if (users.passwords.size === 0) throw usageError(`${path} holds no user`, addHint(path));
    return users;
  } catch (error) {
    throw error instanceof TunlError ? error.with({ file: path }) : error;
  }
}

/** True for a name that a client can send (RFC 7617, section 2): no colon, no control characters. */
export function isUserName(name: string): boolean {
  return name !== '' && !name.includes(':') && !hasControl(name);
}

function parseHtpasswd(text: string, path: string): FileUsers {
  const passwords = new Map<string, StoredPassword>();
  const digests: DigestLine[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const where = `${path}:${index + 1}`;
    const [user = '', hash] = line.split(':');
    if (hash === undefined || !isUserName(user)) throw usageError(`${where}: not a USER:HASH line`, addHint(path));
    const stored = parseStoredPassword(hash);
    const digest = stored ? undefined : parseDigestLine(line, where);
    if (!stored && !digest) throw usageError(`${where}: the password is not a bcrypt, apr1 or SHA hash`, addHint(path));
    const others = digests.filter((other) => other.user === user);
    const isTwice = digest ? others.some((other) => other.hash === digest.hash) : others.length > 0;
    if (passwords.has(user) || isTwice) throw usageError(`${where}: duplicate user`);
    if (stored) passwords.set(user, stored);
    if (digest) digests.push(digest);
  }
  const digest = collectKeys(digests);
  if (!digest) return { passwords };
  const { best: hash, realm } = digest;
  for (const [user, key] of digest.keys.get(hash) ?? []) passwords.set(user, keepDigest(hash, user, realm, key));
  return { passwords, digest };
}

async function readText(path: string): Promise<string> {
  try {
    return decodeOctets(await readFile(path));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw usageError(`cannot read the user file ${path}: ${code}`);
  }
}

function addHint(path: string): string {
  return `tunl passwd ${path} USER adds a user`;
}
