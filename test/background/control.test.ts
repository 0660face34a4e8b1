import { describe, expect, test, vi } from 'vitest';
import { answerControl, askControl, type InstanceStatus } from '../../src/background/control.ts';
import { linkPair } from '../../src/core/link.ts';

const status: InstanceStatus = {
  version: 1,
  name: 'db',
  id: '1',
  pid: 1,
  state: 'listening',
  command: 'tunl serve',
  folder: '/',
  started: '2026-01-01T00:00:00.000Z',
  ms: 0,
  listeners: [],
  tunnels: 0,
  sent: 0,
  received: 0,
  lastFailure: null,
};

function connect() {
  const [near, far] = linkPair();
  const stop = vi.fn();
  answerControl(far, { status: () => status, stop });
  return { near, far, stop };
}

describe('the control socket', () => {
  test('answers the status, and the connection ends', async () => {
    const { near, stop } = connect();
    const answer = await askControl(near, 'status', 20_000);
    expect(answer.status).toEqual(status);
    await answer.ended;
    expect(stop).not.toHaveBeenCalled();
  });

  test('stops the process, and the connection ends with it', async () => {
    const { near, far, stop } = connect();
    const answer = await askControl(near, 'stop', 20_000);
    expect(stop).toHaveBeenCalledOnce();
    let hasEnded = false;
    const ended = answer.ended.then(() => (hasEnded = true));
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    far.stream.destroy();
    await ended;
  });

  test.each(['{"ask":"reboot"}\n', 'GET / HTTP/1.1\r\n\r\n', 'null\n', `${'x'.repeat(5000)}`])(
    'refuses %j, and does nothing',
    async (line) => {
      const { near, stop } = connect();
      near.stream.write(line);
      await new Promise((resolve) => near.stream.resume().once('close', resolve));
      expect(stop).not.toHaveBeenCalled();
    },
  );

  test('that is silent is not waited for', async () => {
    const [near] = linkPair();
    await expect(askControl(near, 'status', 1)).rejects.toMatchObject({ code: 'connection_timeout' });
  });

  test.each(['', 'no JSON\n'])('that ends with %j is no answer', async (text) => {
    const [near, far] = linkPair();
    const asked = askControl(near, 'status', 20_000);
    far.stream.end(text);
    await expect(asked).rejects.toMatchObject({ code: 'connection_terminated' });
  });
});
