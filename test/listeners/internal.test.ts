import { expect, test } from 'vitest';
import type { Origin } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Link } from '../../src/core/link.ts';
import { InternalListeners } from '../../src/listeners/internal.ts';
import { linkContract } from '../conformance/link-contract.ts';
import { eventually, waitForStall } from '../support/eventually.ts';

const origin: Origin = { peer: { address: { kind: 'tcp', host: '10.0.0.1', port: 4242 }, identity: 'alice' } };

const context = (signal = new AbortController().signal) => ({ origin, signal });

/** Listens under a name and gives every Link to the test. */
function listenFor(name: string) {
  const listeners = new InternalListeners();
  const arrived: { link: Link; origin: Origin }[] = [];
  const listener = listeners.listen(name, async (link, from) => void arrived.push({ link, origin: from }));
  return { listeners, listener, arrived };
}

linkContract('a Link to an internal listener', async () => {
  const { listeners, arrived } = listenFor('x');
  const first = await listeners.connect('x', context());
  return { first, second: (arrived[0] as { link: Link }).link };
});

test('the far end has the peer of the outer connection, and the near end the name', async () => {
  const { listeners, listener, arrived } = listenFor('x');
  const near = await listeners.connect('x', context());
  expect(arrived).toMatchObject([{ link: { peer: origin.peer }, origin }]);
  expect(near.peer.address).toEqual({ kind: 'internal', name: 'x' });
  expect(listener.address).toEqual({ kind: 'internal', name: 'x' });
});

test('a name that nobody has is refused', async () => {
  await expect(new InternalListeners().connect('x', context())).rejects.toMatchObject({
    code: 'connection_refused',
    phase: 'connect',
    message: 'nothing listens on internal://x',
  });
});

test('a name is refused once it is closed, and its Links live on', async () => {
  const { listeners, listener, arrived } = listenFor('x');
  const near = await listeners.connect('x', context());
  await listener.close();
  await expect(listeners.connect('x', context())).rejects.toMatchObject({ code: 'connection_refused' });
  near.stream.write('still there');
  const { link } = arrived[0] as { link: Link };
  await eventually(() => String(link.stream.read() ?? ''), 'still there');
});

test('who takes a name over is not closed by who had it before', async () => {
  const { listeners, listener, arrived } = listenFor('x');
  const later: Link[] = [];
  listeners.listen('x', async (link) => void later.push(link));
  await listener.close();
  await listeners.connect('x', context());
  expect([arrived.length, later.length]).toEqual([0, 1]);
});

test('a listener that finds no way on says why, and both ends are gone', async () => {
  const listeners = new InternalListeners();
  const failure = new TunlError('connection_refused', 'cannot connect to db:5432', { side: 'target' });
  let far: Link | undefined;
  listeners.listen('x', async (link) => {
    far = link;
    throw failure;
  });
  await expect(listeners.connect('x', context())).rejects.toBe(failure);
  await eventually(() => far?.stream.destroyed, true);
});

test('who gives up is not waited for', async () => {
  const listeners = new InternalListeners();
  const abort = new AbortController();
  const reason = new TunlError('interrupted', 'enough');
  let closed = false;
  listeners.listen(
    'x',
    (link) =>
      new Promise((resolve) => {
        link.stream.once('close', () => {
          closed = true;
          resolve();
        });
      }),
  );
  const connecting = listeners.connect('x', context(abort.signal));
  abort.abort(reason);
  await expect(connecting).rejects.toBe(reason);
  expect(closed).toBe(true);
  await expect(listeners.connect('x', context(abort.signal))).rejects.toBe(reason);
});

test('an end that waits in a half-closed pipe is gone as soon as the other is', async () => {
  const { listeners, arrived } = listenFor('x');
  const near = await listeners.connect('x', context());
  const { link: far } = arrived[0] as { link: Link };
  near.stream.resume().end();
  far.stream.resume();
  await eventually(() => far.stream.readableEnded, true);
  far.stream.destroy();
  await eventually(() => near.stream.destroyed, true);
  expect(near.stream.errored).toMatchObject({ code: 'ECONNRESET' });
});

test.each([16 * 1024, 256 * 1024])('a Link holds %i bytes before its writer waits', async (bytes) => {
  const listeners = new InternalListeners(bytes);
  const arrived: Link[] = [];
  listeners.listen('x', async (link) => void arrived.push(link));
  const near = await listeners.connect('x', context());
  const chunk = Buffer.alloc(4096);
  let taken = 0;
  const write = () => near.stream.write(chunk, (error) => error ?? ((taken += chunk.length), write()));
  write();
  await waitForStall(() => taken);
  expect(arrived[0]?.stream.readableLength).toBe(bytes);
  near.reset(new Error('the test is over'));
});
