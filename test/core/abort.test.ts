import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Abort } from '../../src/core/abort.ts';

test('a signal is not aborted before its time', () => {
  const { signal } = new Abort();
  expect(signal.aborted).toBe(false);
  expect(signal.reason).toBeUndefined();
});

test('an abort tells its reason and calls every listener in order', () => {
  const abort = new Abort();
  const calls: string[] = [];
  abort.signal.addEventListener('abort', () => calls.push(`first ${String(abort.signal.reason)}`), { once: true });
  abort.signal.addEventListener('abort', () => calls.push(`second ${abort.signal.aborted}`), { once: true });
  abort.abort('stop');
  expect(calls).toEqual(['first stop', 'second true']);
});

test('only the first abort counts', () => {
  const abort = new Abort();
  let calls = 0;
  abort.signal.addEventListener('abort', () => calls++);
  abort.abort('first');
  abort.abort('second');
  expect(abort.signal.reason).toBe('first');
  expect(calls).toBe(1);
});

test('a listener that was taken off is not called, nor one that comes too late', () => {
  const abort = new Abort();
  const calls: string[] = [];
  const early = () => calls.push('early');
  abort.signal.addEventListener('abort', early);
  abort.signal.removeEventListener('abort', early);
  abort.signal.removeEventListener('abort', early);
  abort.abort('stop');
  abort.signal.addEventListener('abort', () => calls.push('late'));
  expect(calls).toEqual([]);
});

test('a listener may take off another that has not been called yet', () => {
  const abort = new Abort();
  const calls: string[] = [];
  const second = () => calls.push('second');
  abort.signal.addEventListener('abort', () => {
    calls.push('first');
    abort.signal.removeEventListener('abort', second);
  });
  abort.signal.addEventListener('abort', second);
  abort.signal.addEventListener('abort', () => calls.push('third'));
  abort.abort('stop');
  expect(calls).toEqual(['first', 'third']);
});

test("Node's own waiting ends with it", async () => {
  const abort = new Abort();
  const waiting = delay(10_000, undefined, { signal: abort.signal });
  abort.abort(new Error('stop'));
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: { message: 'stop' } });
});

test('an abort that has happened is refused by what waits with it', async () => {
  const abort = new Abort();
  abort.abort('stop');
  await expect(delay(10_000, undefined, { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
});

test('an object can be its own listener, and be taken off', () => {
  const abort = new Abort();
  const calls: string[] = [];
  const listener = (name: string) => ({ handleEvent: () => void calls.push(`${name} ${abort.signal.aborted}`) });
  const [one, other] = [listener('one'), listener('other')];
  for (const each of [one, other]) abort.signal.addEventListener('abort', each);
  abort.signal.removeEventListener('abort', one);
  abort.abort('stop');
  expect(calls).toEqual(['other true']);
});
