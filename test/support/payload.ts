import { createHash, randomBytes } from 'node:crypto';

/** Makes bytes that do not repeat, so that a lost, doubled or swapped chunk is noticed. */
export function makePayload(size: number): Buffer {
  return randomBytes(size);
}

/** A length and a SHA-256, which the two ends of a tunnel compare; short enough for the message of a failure. */
export function fingerprint(bytes: Buffer): string {
  return describeDigest(bytes.length, createHash('sha256').update(bytes).digest('hex'));
}

/** Computes the fingerprint of bytes without keeping them. */
export class Fingerprint {
  bytes = 0;
  readonly #hash = createHash('sha256');

  update(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** Returns the fingerprint. Call it once, at the end. */
  take(): string {
    return describeDigest(this.bytes, this.#hash.digest('hex'));
  }
}

function describeDigest(length: number, digest: string): string {
  return `${length} bytes, sha256 ${digest}`;
}
