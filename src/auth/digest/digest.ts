import { createHash } from 'node:crypto';
import { encodeOctets } from '../../core/octets.ts';

/** The hashes of Digest, best first, with their names in OpenSSL (RFC 7616, section 6.1). */
const hashes = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' } as const;

/** Name of a hash, as fields have it. */
export type DigestHash = keyof typeof hashes;

/** All hashes, best first. */
export const digestHashes = Object.keys(hashes) as readonly DigestHash[];

/** An algorithm of Digest: a hash, and whether the key is bound to a nonce (`-sess`). */
export interface DigestAlgorithm {
  readonly hash: DigestHash;
  readonly isSession: boolean;
}

/** Finds an algorithm by the value of a field; without one it is MD5. Undefined for an unknown one. */
export function findAlgorithm(name: string = 'MD5'): DigestAlgorithm | undefined {
  const [, base = '', session] = /^(.*?)(-sess)?$/is.exec(name) ?? [];
  const hash = digestHashes.find((known) => known === base.toUpperCase());
  return hash && { hash, isSession: session !== undefined };
}

/** Hashes values that are joined by colons: text as UTF-8, and bytes that are none as they came. In lower-case digits. */
export function hashValues(hash: DigestHash, ...values: readonly string[]): string {
  return createHash(hashes[hash])
    .update(encodeOctets(values.join(':')))
    .digest('hex');
}

/** Whether the digest covers the body too. A request for a tunnel has none, so `auth-int` covers an empty one. */
export type DigestQop = 'auth' | 'auth-int';

/** The values from which a digest is computed. */
export interface DigestTerms {
  readonly algorithm: DigestAlgorithm;
  /** The hash of user, realm and password: what an htdigest file holds. */
  readonly key: string;
  /** Empty for `rspauth`, the proof of the server (RFC 7616, section 3.5). */
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  readonly cnonce: string;
  /** The count of the nonce, in eight hexadecimal digits. */
  readonly nc: string;
  /** Absent in the form of RFC 2069, which has no count. */
  readonly qop?: DigestQop;
}

/** Computes `response` (RFC 7616, section 3.4.1), or `rspauth`. */
export function computeDigest({ algorithm, key, method, uri, nonce, cnonce, nc, qop }: DigestTerms): string {
  const { hash, isSession } = algorithm;
  const secret = isSession ? hashValues(hash, key, nonce, cnonce) : key;
  const request = hashValues(hash, method, uri, ...(qop === 'auth-int' ? [hashValues(hash, '')] : []));
  return hashValues(hash, secret, nonce, ...(qop ? [nc, cnonce, qop] : []), request);
}

/** Writes the count of a nonce. */
export function formatCount(count: number): string {
  return count.toString(16).padStart(8, '0');
}
