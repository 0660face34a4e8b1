import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { encodeOctets } from '../core/octets.ts';

/** The key of this process, without which fingerprints cannot be attacked offline. */
const processKey = randomBytes(32);

/** Makes a value by which texts are recognised, but from which they cannot be read. */
export function fingerprint(...parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', processKey);
  // The length in front of each part keeps different parts from giving the same text.
  for (const bytes of parts.map(encodeOctets)) hmac.update(`${bytes.length}:`).update(bytes);
  return hmac.digest();
}

/** Compares two secrets in a time that reveals nothing about either, not even their lengths. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(fingerprint(one), fingerprint(other));
}
