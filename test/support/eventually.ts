import { expect } from 'vitest';

/** Every wait of the tests is bounded by this; it is reached only when a test fails. */
export const waitLimitMs = 5000;

/** Asks again and again until the answer equals what is expected. A failure shows the last answer. */
export async function eventually<T>(read: () => T | Promise<T>, expected: unknown): Promise<void> {
  await expect.poll(read, { timeout: waitLimitMs, interval: 10 }).toEqual(expected);
}

/** Waits for a promise, but not for ever. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${waitLimitMs} ms`)), waitLimitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
