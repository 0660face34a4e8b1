import { beforeEach, expect, onTestFinished, vi } from 'vitest';

/** Resolves once everything has happened that can happen in memory. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Lets the tests of a file, or of a `describe`, move the time of timers; none of them may leave a timer behind. */
export function moveTimers(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      // The wheel notices that nobody waits any more.
      vi.advanceTimersByTime(2000);
      expect(vi.getTimerCount()).toBe(0);
      vi.useRealTimers();
    });
  });
}
