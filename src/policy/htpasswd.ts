import { readFile } from 'node:fs/promises';
import { usageError } from '../core/errors.ts';
import { decodeOctets } from '../core/octets.ts';
import { parseStoredPassword, type StoredPassword } from './password.ts';

/**
 * Reads an htpasswd file: `USER:HASH` lines, `#` comments and empty lines. Text after a second colon is a comment.
 * @throws {TunlError} usage, naming the file and the line and never its contents; also if the file cannot be read or
 * has no user
 */
export async function loadHtpasswd(path: string): Promise<ReadonlyMap<string, StoredPassword>> {
  const users = parseHtpasswd(await readText(path), path);
  if (users.size === 0) throw usageError(`${path} holds no user`, addHint(path));
  return users;
}

/** True for a name that a client can send (RFC 7617, section 2): no colon, no control characters. */
export function isUserName(name: string): boolean {
  return name !== '' && !name.includes(':') && !hasControls(name);
}

/** True for a text with a control character, which Basic authentication cannot carry. */
export function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function parseHtpasswd(text: string, path: string): ReadonlyMap<string, StoredPassword> {
  const users = new Map<string, StoredPassword>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const where = `${path}:${index + 1}`;
    const [user = '', hash] = line.split(':');
    if (hash === undefined || !isUserName(user)) throw usageError(`${where}: not a USER:HASH line`, addHint(path));
    if (users.has(user)) throw usageError(`${where}: duplicate user`);
    const stored = parseStoredPassword(hash);
    if (!stored) throw usageError(`${where}: the password is not a bcrypt, apr1 or SHA hash`, addHint(path));
    users.set(user, stored);
  }
  return users;
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
  return `htpasswd -B ${path} USER adds a user`;
}
