import { maxBodyBytes } from './fields.ts';

/** The least bytes of a body, and those of the first ones. */
const [leastBytes, firstBytes] = [16 * 1024, 128 * 1024];

/** A body that takes less than the first time, in milliseconds, may be followed by one of twice its size; after more than the second it is halved. */
const [quickMs, slowMs] = [300, 1500];

/** The least time that the far end may wait for bytes, and the one at first, in milliseconds. */
const [leastWaitMs, firstWaitMs] = [1000, 20_000];

/**
 * Finds sizes of bodies and times of waiting that suit the way: where intermediaries pass on bodies only as a whole, a
 * large one takes too long on a slow way; where they give up requests that are not answered soon, those have to end
 * before. One serves for all transports of a stream, one after the other.
 */
export class Pace {
  /** The most bytes of a body, in each direction. */
  up = firstBytes;
  down = firstBytes;
  waitMs = firstWaitMs;

  /** A body of so many bytes went through. */
  onPassed(kind: 'up' | 'down', bytes: number, ms: number): void {
    if (ms > slowMs && bytes > leastBytes) this.shrink(kind);
    else if (ms < quickMs && bytes === this[kind]) this[kind] = Math.min(maxBodyBytes, bytes * 2);
  }

  /** A request for bytes failed after it had waited. */
  onWaitCut(ms: number): void {
    if (ms > leastWaitMs) this.waitMs = Math.max(leastWaitMs, Math.min(this.waitMs, Math.floor(ms / 2)));
  }

  shrink(kind: 'up' | 'down'): void {
    this[kind] = Math.max(leastBytes, Math.floor(this[kind] / 2));
  }
}
