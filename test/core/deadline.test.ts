import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { abortReason, Deadline, formatDuration, throwIfAborted, within } from '../../src/core/deadline.ts';
import { TunlError } from '../../src/core/errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const limit = { ms: 15_000, phase: 'handshake', option: '--handshake-timeout', code: 'http_response_timeout' } as const;
const never = new AbortController().signal;

/** Work that ends only when its signal aborts, and then rejects with the reason. */
const waitForAbort = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(abortReason(signal))));

describe('within', () => {
  test('gives what the work gives and leaves no timer', async () => {
    await expect(within(limit, never, 'x', async () => 42)).resolves.toBe(42);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives the failure of the work and leaves no timer', async () => {
    await expect(within(limit, never, 'x', () => Promise.reject(new Error('own')))).rejects.toThrow('own');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('names the phase, the limit and the option when time is up', async () => {
    const waiting = within(limit, never, 'proxy:80 did not answer', waitForAbort);
    const failure = expect(waiting).rejects.toMatchObject({
      code: 'http_response_timeout',
      phase: 'handshake',
      message: 'proxy:80 did not answer within 15s (--handshake-timeout)',
    });
    await vi.advanceTimersByTimeAsync(14_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await failure;
  });

  test('passes the abort of the caller on, with its reason', async () => {
    const caller = new AbortController();
    const waiting = within(limit, caller.signal, 'x', waitForAbort);
    caller.abort(new TunlError('interrupted', 'SIGINT'));
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted', message: 'SIGINT' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not start when the caller has aborted', async () => {
    const work = vi.fn(async () => 42);
    await expect(within(limit, AbortSignal.abort(), 'x', work)).rejects.toMatchObject({ code: 'interrupted' });
    expect(work).not.toHaveBeenCalled();
  });

  test.each([0, Infinity])('has no limit at %d', async (ms) => {
    const waiting = within(
      { ...limit, ms },
      never,
      'x',
      () => new Promise<string>((done) => setTimeout(done, 1e8, 'late')),
    );
    await vi.advanceTimersByTimeAsync(1e8);
    await expect(waiting).resolves.toBe('late');
  });
});

test('a deadline that is started again counts anew', () => {
  const deadline = new Deadline(limit, never, 'x');
  deadline.start();
  vi.advanceTimersByTime(10_000);
  deadline.start();
  vi.advanceTimersByTime(10_000);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(5000);
  expect(deadline.signal.aborted).toBe(true);
});

test('a deadline that has ended neither fires nor listens', () => {
  const caller = new AbortController();
  const deadline = new Deadline(limit, caller.signal, 'x');
  deadline.start();
  deadline.end();
  caller.abort();
  vi.advanceTimersByTime(20_000);
  expect(deadline.signal.aborted).toBe(false);
});

test('a deadline under a caller that has aborted is over at once', () => {
  expect(new Deadline(limit, AbortSignal.abort(), 'x').signal.aborted).toBe(true);
});

test('the reason of an abort is a TunlError whatever it was', () => {
  const own = new TunlError('connection_timeout', 'late');
  expect(abortReason(AbortSignal.abort(own))).toBe(own);
  expect(abortReason(AbortSignal.abort('because'))).toMatchObject({ code: 'interrupted', cause: 'because' });
  expect(() => throwIfAborted(AbortSignal.abort(own))).toThrow(own);
  expect(() => throwIfAborted(never)).not.toThrow();
});

test.each([
  [20, '20ms'],
  [999, '999ms'],
  [1000, '1s'],
  [1500, '1.5s'],
  [15_000, '15s'],
  [90_000, '90s'],
  [60_000, '1m'],
  [3_600_000, '1h'],
  [7_200_000, '2h'],
])('writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
