import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

/** Every wait of the tests is bounded by this; it is reached only when a test fails. */
export const waitLimitMs = 5000;

/** Asks again and again until the answer equals what is expected. A failure shows the last answer. */
export async function eventually<T>(read: () => T | Promise<T>, expected: unknown): Promise<void> {
  const start = performance.now();
  for (;;) {
    const value = await read();
    try {
      expect(value).toEqual(expected);
      return;
    } catch (error) {
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
