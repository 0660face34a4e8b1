import { expect, test, vi } from 'vitest';
import { tryPassword } from '../../src/auth/trial.ts';
import { TunlError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { makeHop } from '../support/harness/app.ts';

const never = new AbortController().signal;
const position = { index: 1, count: 1 };
const refused = new TunlError('auth_required', 'wrong', { hop: position, refusedPassword: true });

/** A hop with a password that no other test has tried. */
const makeAsked = () => makeHop('http', 1, { credentials: { user: 'ann', password: new Secret('sesame') } });

test('a password that is refused while another request still waits for its answer is not sent again', async () => {
  vi.useFakeTimers();
  try {
    const hop = makeAsked();
    let sent = 0;
    const silent = tryPassword(hop, 1, never, () => new Promise<never>(() => void sent++));
    silent.catch(() => {});
    const refusing = () => {
      sent++;
      return Promise.reject(refused);
    };
    const second = expect(tryPassword(hop, 1, never, refusing)).rejects.toBe(refused);
    await vi.advanceTimersByTimeAsync(2000);
    await second;
    const third = expect(tryPassword(hop, 1, never, refusing)).rejects.toThrow('wrong');
    await vi.advanceTimersByTimeAsync(2000);
    await third;
    expect(sent).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('those who wait for a silent request follow it one by one, two seconds after it was sent', async () => {
  vi.useFakeTimers();
  try {
    const hop = makeAsked();
    const sent: string[] = [];
    const send = (name: string) => () => {
      sent.push(name);
      return new Promise<never>(() => {});
    };
    const all = [tryPassword(hop, 1, never, send('first'))];
    await vi.advanceTimersByTimeAsync(900);
    all.push(tryPassword(hop, 1, never, send('second')));
    await vi.advanceTimersByTimeAsync(300);
    all.push(tryPassword(hop, 1, never, send('third')));
    for (const one of all) one.catch(() => {});
    await vi.advanceTimersByTimeAsync(700);
    expect(sent).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual(['first', 'second']);
    await vi.advanceTimersByTimeAsync(1800);
    expect(sent).toEqual(['first', 'second']);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent).toEqual(['first', 'second', 'third']);
  } finally {
    vi.useRealTimers();
  }
});
