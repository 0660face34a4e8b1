import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { encodeOctets } from '../core/octets.ts';

/** Fingerprints mean nothing outside this process and cannot be searched for offline. */
const processKey = randomBytes(32);

/** A value by which texts are recognised and that does not give them away. */
export function fingerprint(...parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', processKey);
  // With its length before it no part can pose as the end of another.
  for (const bytes of parts.map(encodeOctets)) hmac.update(`${bytes.length}:`).update(bytes);
  return hmac.digest();
}

/** Compares two secrets in a time that tells nothing about either, their lengths included. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(fingerprint(one), fingerprint(other));
}
