import {
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import type { End, Offsets } from './terms.ts';

/** Bytes of a key of X25519, and of the key that both ends derive. */
const keyBytes = 32;

/** A pair of keys that is used for one stream. */
export interface KeyPair {
  /** The public key, base64url. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/** What the types of Node do not tell: the public key may come in the form of RFC 8037. */
const generate = generateKeyPairSync as unknown as (
  type: 'x25519',
  options: { readonly publicKeyEncoding: { readonly format: 'jwk' } },
) => { readonly publicKey: JsonWebKey; readonly privateKey: KeyObject };

/** Makes a key pair of X25519 (RFC 7748). */
export function makeKeyPair(): KeyPair {
  // Not `publicKey.export()`: it holds the lock of the key while it makes strings, and if that collects the garbage of
  // `generateKeyPairSync`, which takes the same lock, the process stands still for ever.
  const { publicKey, privateKey } = generate('x25519', { publicKeyEncoding: { format: 'jwk' } });
  return { publicKey: publicKey.x ?? '', privateKey };
}

/**
 * Derives the key of a stream from our key pair and the public key of the other end, by HKDF (RFC 5869).
 * @throws {Error} if that is no public key, or one that would make the result predictable
 */
export function agree(end: End, own: KeyPair, other: string): Buffer {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: other }, format: 'jwk' });
  const secret = diffieHellman({ publicKey, privateKey: own.privateKey });
  const salt = end === 'near' ? own.publicKey + other : other + own.publicKey;
  return Buffer.from(hkdfSync('sha256', secret, salt, 'tunl resume 1', keyBytes));
}

/** What an end proves when it attaches a transport. */
export interface Claim {
  readonly id: string;
  /** The number of the attempt; each is used once. */
  readonly count: number;
  readonly offsets: Offsets;
}

/** Computes the proof of a claim by `end` with the key of the stream: HMAC-SHA256 (RFC 2104), base64url. */
export function prove(key: Buffer, end: End, { id, count, offsets: { sent, received } }: Claim): string {
  return createHmac('sha256', key).update([end, id, count, sent, received].join('\n')).digest('base64url');
}

/** True if `proof` is that of the claim. */
export function isProven(key: Buffer, end: End, claim: Claim, proof: string): boolean {
  return isSameProof(proof, prove(key, end, claim));
}

/** True if a proof is the right one. The time does not depend on how much of it is right. */
export function isSameProof(proof: string, rightProof: string): boolean {
  const [given, right] = [Buffer.from(proof), Buffer.from(rightProof)];
  return given.length === right.length && timingSafeEqual(given, right);
}
