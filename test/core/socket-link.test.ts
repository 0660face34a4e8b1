import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { socketLink } from '../../src/core/socket-link.ts';

/** Returns what a Link reads if its peer sends `hello` and then does `act`, all of it before the first read. */
async function readAfter(act: (peer: Socket) => Promise<unknown>, ourHalf: 'open' | 'ended'): Promise<string[]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  // Paused before it connects, a socket asks the system for nothing until it is resumed.
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  socket.pause();
  await once(socket, 'connect');
  const [peer] = await accepted;
  server.close();
  const { stream } = socketLink(socket, {});
  if (ourHalf === 'ended') {
    stream.end();
    peer.resume();
    await once(peer, 'end');
  }
  await new Promise<unknown>((resolve) => peer.write('hello', resolve));
  await act(peer);

  const seen: string[] = [];
  stream.on('data', (chunk: Buffer) => seen.push(String(chunk)));
  stream.once('end', () => {
    seen.push('end');
    stream.end();
    peer.destroy();
  });
  stream.once('error', ({ code }: NodeJS.ErrnoException) => seen.push(String(code)));
  stream.resume();
  await new Promise((resolve) => stream.once('close', resolve));
  return seen;
}

const reset = (peer: Socket) => once(peer.resetAndDestroy(), 'close');
const end = (peer: Socket) => once(peer.end(), 'finish');

test.each(['open', 'ended'] as const)('a reset right behind data is a reset, our half being %s', async (ourHalf) => {
  expect(await readAfter(reset, ourHalf)).toEqual(['hello', 'ECONNRESET']);
});

test.each(['open', 'ended'] as const)('a FIN right behind data is an end, our half being %s', async (ourHalf) => {
  expect(await readAfter(end, ourHalf)).toEqual(['hello', 'end']);
});
