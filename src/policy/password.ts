import { createHash } from 'node:crypto';
import aprMd5 from 'apache-md5';
import { hash as bcrypt } from 'bcryptjs';
import { type DigestHash, hashValues } from '../auth/digest/digest.ts';
import { encodeOctets } from '../core/octets.ts';
import type { Secret } from '../core/secret.ts';
import { isSameSecret } from './fingerprint.ts';

/** The password of a user as the server keeps it. */
export interface StoredPassword {
  /** Checks a password, in the same time whether it is right or wrong. */
  verify(password: string): Promise<boolean>;
}

/** The package exports the function itself; its types are wrong. */
const hashApr1 = aprMd5 as unknown as (password: string, stored: string) => string;

/**
 * Reads a hash of an htpasswd file: bcrypt, `$apr1$` or `{SHA}`. It returns `undefined` for every other text: DES crypt
 * is too weak, and an unhashed password looks like an unknown kind of hash.
 */
export function parseStoredPassword(text: string): StoredPassword | undefined {
  if (/^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./\dA-Za-z]{53}$/.test(text)) return storedAs(text, hashBcrypt);
  if (/^\$apr1\$[./\dA-Za-z]{1,8}\$[./\dA-Za-z]{22}$/.test(text)) return storedAs(text, hashMd5);
  if (/^\{SHA\}[+/\dA-Za-z]{27}=$/.test(text)) return storedAs(text, hashSha1);
  return undefined;
}

/** The most bytes of a password that bcrypt looks at. */
export const maxBcryptBytes = 72;

/** The cost of new hashes: some tens of milliseconds for each attempt. */
const bcryptCost = 10;

/** Hashes a password by bcrypt with a new salt, as a line of an htpasswd file has it. */
export function hashPassword(password: string): Promise<string> {
  return bcrypt(password, bcryptCost);
}

/** Keeps a password that was given unhashed. */
export function keepPassword(secret: Secret): StoredPassword {
  return { verify: (password) => Promise.resolve(isSameSecret(password, secret.reveal())) };
}

/** Keeps the hash of a user, a realm and a password, as htdigest files have it. */
export function keepDigest(hash: DigestHash, user: string, realm: string, key: string): StoredPassword {
  return { verify: (password) => Promise.resolve(isSameSecret(hashValues(hash, user, realm, password), key)) };
}

function storedAs(stored: string, hash: (password: string, stored: string) => Promise<string>): StoredPassword {
  return { verify: async (password) => isSameSecret(await hash(password, stored), stored) };
}

async function hashBcrypt(password: string, stored: string): Promise<string> {
  const salt = stored.slice(0, 29);
  const hashed = await bcrypt(password, salt);
  // The library returns the salt in its canonical spelling; the stored one may differ in unused bits.
  return salt + hashed.slice(salt.length);
}

function hashMd5(password: string, stored: string): Promise<string> {
  // The library hashes the low byte of each character, so each byte becomes one character.
  const bytes = encodeOctets(password).toString('latin1');
  return Promise.resolve(hashApr1(bytes, stored));
}

function hashSha1(password: string): Promise<string> {
  return Promise.resolve(`{SHA}${createHash('sha1').update(encodeOctets(password)).digest('base64')}`);
}
