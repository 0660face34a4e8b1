import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { leaveBody } from '../../../src/http/body/leave.ts';

/** An answer whose body the test writes. */
function makeReply() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const body = new PassThrough();
  const cancel = vi.fn<(error: Error) => void>((error) => void body.destroy(error));
  body.on('error', () => {});
  return { body, cancel };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a body that nobody wants is read to its end, and its stream is not reset', async () => {
  const reply = makeReply();
  reply.body.write('much');
  leaveBody(reply);
  reply.body.end('more');
  await turn();
  await turn();
  expect(reply.body.readableEnded).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(reply.cancel).not.toHaveBeenCalled();
});

test('a body that never ends is read for a second, and then reset', async () => {
  const reply = makeReply();
  leaveBody(reply);
  for (let count = 0; count < 9; count++) {
    reply.body.write('more');
    await turn();
    expect(reply.body.readableLength).toBe(0);
    vi.advanceTimersByTime(110);
  }
  expect(reply.cancel).not.toHaveBeenCalled();
  vi.advanceTimersByTime(110);
  expect(reply.cancel).toHaveBeenCalledOnce();
});
