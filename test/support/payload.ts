import { createHash, randomBytes } from 'node:crypto';

/** Bytes that do not repeat, so that a lost, doubled or swapped chunk shows. */
export function makePayload(size: number): Buffer {
  return randomBytes(size);
}

/** Length and SHA-256: what two ends of a tunnel compare, short enough for a failure's message. */
export function fingerprint(bytes: Buffer): string {
  return describeDigest(bytes.length, createHash('sha256').update(bytes).digest('hex'));
}

/** Takes the fingerprint of bytes that are not kept. */
export class Fingerprint {
  bytes = 0;
  readonly #hash = createHash('sha256');

  update(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** Call it once, at the end. */
  take(): string {
    return describeDigest(this.bytes, this.#hash.digest('hex'));
  }
}

function describeDigest(length: number, digest: string): string {
  return `${length} bytes, sha256 ${digest}`;
}
