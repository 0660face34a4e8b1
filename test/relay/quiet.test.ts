import { expect, onTestFinished, test } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { relay, type RelayHandle } from '../../src/relay/relay.ts';
import { eventually } from '../support/eventually.ts';
import { RawPeer } from '../support/raw-peer.ts';

function start(reading: boolean): { client: RawPeer; target: RawPeer; handle: RelayHandle } {
  const [clientEnd, client] = linkPair();
  const [upstream, target] = linkPair();
  const handle = relay(clientEnd, upstream, { idleMs: 0, lingerMs: 0 });
  onTestFinished(() => handle.cut(new Error('the test is over')));
  return { client: new RawPeer(client), target: new RawPeer(target, { reading }), handle };
}

test('a tunnel is quiet while its client may send and all that it sent was passed on', async () => {
  const { client, target, handle } = start(true);
  expect(handle.quiet).toBe(true);
  client.send('x');
  await target.read(1);
  expect(handle.quiet).toBe(true);
});

test('a tunnel is not quiet while a slow target holds bytes up', async () => {
  const { client, target, handle } = start(false);
  client.send(Buffer.alloc(1_000_000));
  await eventually(() => handle.quiet, false);
  target.stream.resume();
  await target.read(1_000_000);
  await eventually(() => handle.quiet, true);
});

test('a tunnel is not quiet once its client has ended', async () => {
  const { client, target, handle } = start(true);
  client.fin();
  await target.readToEnd();
  expect(handle.quiet).toBe(false);
});
