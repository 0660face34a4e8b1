import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

/** The limit for every wait of the tests, in milliseconds. Only a failing test reaches it, even on a busy machine. */
export const waitLimitMs = 20_000;

/**
 * Asks repeatedly until the answer equals the expected one. A failure shows the last answer. The limit starts again
 * with each change of the answer, so that a test waits for slow progress, up to its own limit.
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

/** Waits for a promise, up to the limit. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${waitLimitMs} ms`)), waitLimitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until a growing count stops changing. */
export async function waitForStall(read: () => number): Promise<void> {
  await eventually(async () => {
    const before = read();
    await delay(50);
    return before > 0 && read() === before;
  }, true);
}
