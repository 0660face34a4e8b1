import { randomBytes } from 'node:crypto';
import { fingerprint } from './fingerprint.ts';

/** Time for which a nonce is good, in milliseconds. */
const lifeMs = 3_600_000;

/** The counts below the highest that may still come, because requests overtake each other. */
const windowCounts = 1024;

/** The most nonces whose counts are kept. Each takes some hundred bytes. */
const maxCounted = 4096;

/** Bytes of a nonce: the time at which it was issued, chance, and a proof that we issued it. */
const [timeBytes, chanceBytes, proofBytes] = [6, 10, 16];

/**
 * Nonces of Digest for the users of one server. None is stored: each proves by itself when it was issued. What is kept is
 * which counts of a nonce were used, so that no request can be repeated.
 */
export class Nonces {
  readonly #now: () => number;
  /** Makes the nonces of two servers in this process different. */
  readonly #name = randomBytes(16).toString('hex');
  readonly #counted = new Map<string, Counts>();
  /** A nonce that was issued no later has lost its counts, unless they are in the table. */
  #forgottenUntil = -1;

  /** @param now milliseconds since any time, never going back */
  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#now = now;
  }

  /** Makes a nonce that nobody else can make. */
  issue(): string {
    const head = randomBytes(timeBytes + chanceBytes);
    head.writeUIntBE(Math.floor(this.#now()), 0, timeBytes);
    return Buffer.concat([head, this.#prove(head)]).toString('base64url');
  }

  /**
   * Takes a count of a nonce. Call it only for a right digest: what it keeps is bounded, and not for everybody to fill.
   * @returns false if the nonce is not ours or too old, or if the count was used before or is out of the window
   */
  take(nonce: string, count: number): boolean {
    const issued = this.#readTime(nonce);
    if (issued === undefined || this.#now() - issued > lifeMs) return false;
    let counts = this.#counted.get(nonce);
    if (!counts) {
      if (issued <= this.#forgottenUntil) return false;
      counts = new Counts(issued);
      this.#counted.set(nonce, counts);
      this.#forget();
    }
    return counts.take(count);
  }

  #forget(): void {
    const [oldest] = this.#counted;
    if (this.#counted.size <= maxCounted || !oldest) return;
    const [nonce, { issued }] = oldest;
    this.#counted.delete(nonce);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, issued);
  }

  #readTime(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    const head = bytes.subarray(0, timeBytes + chanceBytes);
    // Only one spelling is ours: others would have counts of their own.
    if (bytes.length !== head.length + proofBytes || bytes.toString('base64url') !== nonce) return undefined;
    return this.#prove(head).equals(bytes.subarray(head.length)) ? head.readUIntBE(0, timeBytes) : undefined;
  }

  #prove(head: Buffer): Buffer {
    return fingerprint('nonce', this.#name, head.toString('hex')).subarray(0, proofBytes);
  }
}

/** The counts of one nonce that were used: a bit map of the last ones. */
class Counts {
  readonly issued: number;
  readonly #bits = new Uint8Array(windowCounts / 8);
  #highest = 0;

  constructor(issued: number) {
    this.issued = issued;
  }

  take(count: number): boolean {
    if (count < 1 || count > this.#highest + windowCounts || count <= this.#highest - windowCounts) return false;
    while (this.#highest < count) this.#mark(++this.#highest, false);
    const at = count % windowCounts;
    if (((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0) return false;
    this.#mark(count, true);
    return true;
  }

  #mark(count: number, isUsed: boolean): void {
    const at = count % windowCounts;
    const [index, bit] = [at >> 3, 1 << (at & 7)];
    const bits = this.#bits[index] ?? 0;
    this.#bits[index] = isUsed ? bits | bit : bits & ~bit;
  }
}
