import { describe, expect, test } from 'vitest';
import type { Dial, DialContext } from '../../src/core/dialer.ts';
import { type ErrorCode, TunlError } from '../../src/core/errors.ts';
import { linkPair } from '../../src/core/link.ts';
import { backOff } from '../../src/core/waiting.ts';
import { envoyBackOff, type RetryTerms, withRetry } from '../../src/dial/retry.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const makeContext = (signal = new AbortController().signal): DialContext => ({ signal, target, origin: { peer: {} } });

/** A Dial that fails with each of the codes in turn and then succeeds. */
function makeDial(codes: readonly ErrorCode[]): { dial: Dial; calls: () => number } {
  let calls = 0;
  const dial: Dial = () => {
    const code = codes[calls++];
    return code ? Promise.reject(new TunlError(code, code)) : Promise.resolve(linkPair()[0]);
  };
  return { dial, calls: () => calls };
}

test('dials again until it succeeds', async () => {
  const { dial, calls } = makeDial(['connection_refused', 'hop_failed']);
  const link = await withRetry(5)(dial)(target, makeContext());
  expect(link.stream.destroyed).toBe(false);
  expect(calls()).toBe(3);
});

test('gives up with the last failure once the retries are used up', async () => {
  const { dial, calls } = makeDial(['dns_error', 'connection_refused', 'connection_timeout']);
  await expect(withRetry(2)(dial)(target, makeContext())).rejects.toMatchObject({ code: 'connection_timeout' });
  expect(calls()).toBe(3);
});

test.each(['auth_required', 'hop_refused', 'http_request_denied'] as const)('does not repeat %s', async (code) => {
  const { dial, calls } = makeDial([code]);
  await expect(withRetry(9)(dial)(target, makeContext())).rejects.toMatchObject({ code });
  expect(calls()).toBe(1);
});

test('an abort ends the wait', async () => {
  const { dial, calls } = makeDial(['connection_refused', 'connection_refused']);
  const abort = new AbortController();
  const onFailure = () => void setImmediate(() => abort.abort(new TunlError('interrupted', 'enough')));
  const dialled = withRetry(9)(dial)(target, { ...makeContext(abort.signal), onFailure });
  await expect(dialled).rejects.toMatchObject({ code: 'interrupted', message: 'enough' });
  expect(calls()).toBe(1);
});

test('the delay grows, has jitter and has an upper bound', () => {
  expect([0, 1, 2, 3].map((attempt) => backOff(attempt, 0))).toEqual([125, 250, 500, 1000]);
  expect([0, 1, 2, 3].map((attempt) => backOff(attempt, 1))).toEqual([250, 500, 1000, 2000]);
  expect(backOff(100, 1)).toBe(10_000);
});

test('a thousand that lost the same proxy do not come back in step', async () => {
  const delays: number[] = [];
  const wait = (ms: number) => {
    delays.push(ms);
    return Promise.resolve();
  };
  const dialAll = Array.from({ length: 1000 }, () => {
    return withRetry(1, {}, wait)(makeDial(['connection_refused']).dial)(target, makeContext());
  });
  await Promise.all(dialAll);
  const perStep = new Map<number, number>();
  for (const ms of delays) perStep.set(Math.floor(ms / 10), (perStep.get(Math.floor(ms / 10)) ?? 0) + 1);
  expect(delays).toHaveLength(1000);
  // About 80 of them fall into each ten milliseconds; 160 would be nine standard deviations away.
  expect(Math.max(...perStep.values())).toBeLessThan(160);
  expect(perStep.size).toBeGreaterThanOrEqual(12);
});

test.each(['hop_refused', 'auth_required', 'connection_refused'] as const)('repeats %s where any is', async (code) => {
  const { dial, calls } = makeDial([code]);
  await withRetry(1, { on: 'any', backOff: { baseMs: 0, maxMs: 0 } })(dial)(target, makeContext());
  expect(calls()).toBe(2);
});

test.each(['usage', 'interrupted', 'proxy_loop_detected'] as const)('never repeats %s', async (code) => {
  const { dial, calls } = makeDial([code]);
  await expect(withRetry(9, { on: 'any' })(dial)(target, makeContext())).rejects.toMatchObject({ code });
  expect(calls()).toBe(1);
});

test('a back-off of the user is anything below a step that doubles up to its bound', () => {
  const terms = { baseMs: 100, maxMs: 1000 };
  expect([0, 1, 2, 3, 4, 60].map((attempt) => envoyBackOff(terms, attempt, 1))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
  expect(envoyBackOff(terms, 3, 0)).toBe(0);
});

test('waits as the back-off says', async () => {
  const delays: number[] = [];
  const wait = (ms: number) => Promise.resolve(void delays.push(ms));
  const { dial } = makeDial(['connection_refused', 'connection_refused', 'connection_refused']);
  await withRetry(3, { backOff: { baseMs: 3, maxMs: 5 } }, wait)(dial)(target, makeContext());
  expect(delays.map((ms, index) => ms < ([3, 5, 5][index] ?? 0))).toEqual([true, true, true]);
});

test('where any failure is repeated and nobody says how long to wait, nothing is waited', async () => {
  const delays: number[] = [];
  const wait = (ms: number) => Promise.resolve(void delays.push(ms));
  const { dial } = makeDial(['hop_refused', 'connection_refused']);
  await withRetry(2, { on: 'any' }, wait)(dial)(target, makeContext());
  expect(delays).toEqual([0, 0]);
});

describe('a hop that asks to wait', () => {
  /** Lets a hop refuse once with these facts, and returns the waits in milliseconds. */
  async function waitAfter(retryAfterMs: number, terms: RetryTerms = {}): Promise<number[]> {
    const waits: number[] = [];
    let calls = 0;
    const dial: Dial = () =>
      calls++ === 0
        ? Promise.reject(new TunlError('connection_limit_reached', 'wait', { received: 429, retryAfterMs }))
        : Promise.resolve(linkPair()[0]);
    const wait = (ms: number) => Promise.resolve(void waits.push(ms));
    await withRetry(1, terms, wait)(dial)(target, makeContext());
    return waits;
  }

  test.each([1000, 30_000, 60_000])('%i ms is waited for', async (ms) => {
    expect(await waitAfter(ms)).toEqual([ms]);
    expect(await waitAfter(ms, { backOff: { baseMs: 1, maxMs: 1 } })).toEqual([ms]);
  });

  test('no time at all is still waited for as long as usual', async () => {
    const [ms = 0] = await waitAfter(0);
    expect(ms).toBeGreaterThanOrEqual(125);
  });

  test('longer than a minute has refused for good', async () => {
    await expect(waitAfter(60_001)).rejects.toMatchObject({ facts: { received: 429 } });
  });

  test('is not listened to where every failure is repeated, as Envoy does it', async () => {
    expect(await waitAfter(3_600_000, { on: 'any' })).toEqual([0]);
  });
});
