import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

/** Every wait of the tests is bounded by this; it is reached only when a test fails, also on a machine with much else to do. */
export const waitLimitMs = 20_000;

/**
 * Asks again and again until the answer equals what is expected. A failure shows the last answer. The limit counts
 * from the last change of the answer: what still moves is waited for, up to the limit of the test.
 */
export async function eventually<T>(read: () => T | Promise<T>, expected: unknown): Promise<void> {
  let start = performance.now();
  let last: T | undefined;
  for (;;) {
    const value = await read();
    try {
      expect(value).toEqual(expected);
      return;
    } catch (error) {
      if (typeof value !== 'object' && value !== last) start = performance.now();
      last = value;
      if (performance.now() - start > waitLimitMs) throw error;
    }
    await delay(10);
  }
}

/** Waits for a promise, but not for ever. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${waitLimitMs} ms`)), waitLimitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until a count that goes up stands still. */
export async function waitForStall(read: () => number): Promise<void> {
  await eventually(async () => {
    const before = read();
    await delay(50);
    return before > 0 && read() === before;
  }, true);
}
