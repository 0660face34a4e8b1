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
