import { createHash } from 'node:crypto';
import aprMd5 from 'apache-md5';
import { hash as bcrypt } from 'bcryptjs';
import { encodeOctets } from '../core/octets.ts';
import type { Secret } from '../core/secret.ts';
import { isSameSecret } from './fingerprint.ts';

/** A user's password as the server keeps it. */
export interface StoredPassword {
  /** Takes the same time whether the password is right or wrong. */
  verify(password: string): Promise<boolean>;
}

/** The export is the function itself, whatever the package's types say. */
const hashApr1 = aprMd5 as unknown as (password: string, stored: string) => string;

/**
 * Reads a hash of an htpasswd file: bcrypt, `$apr1$` or `{SHA}`. `undefined` for every other text:
 * DES crypt is too weak, and an unhashed password cannot be told from a hash that we do not know.
 */
export function parseStoredPassword(text: string): StoredPassword | undefined {
  if (/^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./\dA-Za-z]{53}$/.test(text)) return storedAs(text, hashBcrypt);
  if (/^\$apr1\$[./\dA-Za-z]{1,8}\$[./\dA-Za-z]{22}$/.test(text)) return storedAs(text, hashMd5);
  if (/^\{SHA\}[+/\dA-Za-z]{27}=$/.test(text)) return storedAs(text, hashSha1);
  return undefined;
}

/** A password that was given to us as it is. */
export function keepPassword(secret: Secret): StoredPassword {
  return { verify: (password) => Promise.resolve(isSameSecret(password, secret.reveal())) };
}

function storedAs(stored: string, hash: (password: string, stored: string) => Promise<string>): StoredPassword {
  return { verify: async (password) => isSameSecret(await hash(password, stored), stored) };
}

async function hashBcrypt(password: string, stored: string): Promise<string> {
  const salt = stored.slice(0, 29);
  const hashed = await bcrypt(password, salt);
  // The salt comes back in its canonical spelling; the stored one may differ in bits that mean nothing.
  return salt + hashed.slice(salt.length);
}

function hashMd5(password: string, stored: string): Promise<string> {
  // The library hashes the low byte of each character: give it one character for each byte.
  const bytes = encodeOctets(password).toString('latin1');
  return Promise.resolve(hashApr1(bytes, stored));
}

function hashSha1(password: string): Promise<string> {
  return Promise.resolve(`{SHA}${createHash('sha1').update(encodeOctets(password)).digest('base64')}`);
}
