import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import type { DialStep } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import { createDirect, type DirectOptions } from '../../src/dial/direct.ts';
import type { Resolve } from '../../src/dial/resolve.ts';
import { listen } from '../../src/listeners/socket.ts';
import { eventually } from '../support/eventually.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startBlackhole } from '../support/peers/blackhole.ts';
import { echo, refusedAddress, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';

const nobody: Resolve = () => Promise.reject(new Error('nobody may be asked'));

/** Dials with our own direct Dial and collects what it reports. */
async function dial(address: Address, options: Partial<DirectOptions> = {}, signal?: AbortSignal) {
  const steps: DialStep[] = [];
  const direct = createDirect({ resolve: nobody, connectMs: 2000, ...options });
  const link = await direct(address, { ...makeContext(address, signal), onProgress: (step) => steps.push(step) });
  return { link, steps };
}

test('connects, tells both steps and knows where it got to', async () => {
  const target = await startTarget(echo);
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const { link, steps } = await dial({ kind: 'tcp', host: 'db.test', port: target.port }, { resolve });
  const peer = new RawPeer(link);
  peer.send('hello');
  expect(await peer.readUntil('hello')).toBe('hello');
  peer.fin();
  expect(link.peer.address).toEqual({ kind: 'tcp', host: '127.0.0.1', port: target.port });
  expect(steps.map(({ phase, detail }) => [phase, detail])).toEqual([
    ['dns', '127.0.0.1'],
    ['connect', `127.0.0.1:${target.port}`],
  ]);
});

test('dials the addresses that were resolved before and asks nobody', async () => {
  const target = await startTarget(echo);
  const resolved = [{ address: '127.0.0.1', family: 4 }] as const;
  const { link } = await dial({ kind: 'tcp', host: 'elsewhere.test', port: target.port, resolved });
  expect(link.peer.address).toMatchObject({ host: '127.0.0.1' });
  link.stream.destroy();
});

test('takes the second address when the first refuses', async () => {
  const target = await startTarget(echo);
  // The IPv6 loopback has nothing on this port: the target listens on IPv4 only.
  const resolve: Resolve = async () => [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ];
  const { link } = await dial({ kind: 'tcp', host: 'db.test', port: target.port }, { resolve });
  expect(link.peer.address).toMatchObject({ host: '127.0.0.1' });
  link.stream.destroy();
});

test('connects to a Unix socket', async () => {
  const path = join(makeTempFolder(), 'socket');
  const listener = await listen({ kind: 'unix', path }, ({ stream }) => void stream.end('hello'));
  const { link } = await dial({ kind: 'unix', path });
  const peer = new RawPeer(link);
  expect((await peer.readToEnd()).toString()).toBe('hello');
  peer.fin();
  expect(link.peer.address).toEqual({ kind: 'unix', path });
  await listener.close();
});

describe('says what went wrong', () => {
  test('when the target refuses', async () => {
    await expect(
      dial(refusedAddress, { resolve: async () => [{ address: '127.0.0.1', family: 4 }] }),
    ).rejects.toMatchObject({
      code: 'connection_refused',
      phase: 'connect',
      message: 'cannot connect to 127.0.0.1:1: connection refused',
    });
  });

  test('with the address that a name had', async () => {
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    await expect(dial({ kind: 'tcp', host: 'db.test', port: 1 }, { resolve })).rejects.toThrow(
      'cannot connect to db.test:1 (127.0.0.1): connection refused',
    );
  });

  test('when there is no such Unix socket', async () => {
    await expect(dial({ kind: 'unix', path: '/no/such/socket' })).rejects.toMatchObject({
      code: 'connection_refused',
      message: 'cannot connect to unix:/no/such/socket: there is no such socket',
    });
  });

  test('when the name does not resolve', async () => {
    const failure = new TunlError('dns_error', 'cannot resolve db.test: there is no such name');
    await expect(
      dial({ kind: 'tcp', host: 'db.test', port: 1 }, { resolve: () => Promise.reject(failure) }),
    ).rejects.toBe(failure);
  });

  test('when nothing answers in time', async () => {
    const hole = await startBlackhole();
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    await expect(dial(hole.address, { resolve, connectMs: 50 })).rejects.toMatchObject({
      code: 'connection_timeout',
      phase: 'connect',
      message: `127.0.0.1:${hole.address.port} did not accept a connection within 50ms (--connect-timeout)`,
    });
  });

  test.each<Address>([
    { kind: 'fd', fd: 3 },
    { kind: 'internal', name: 'x' },
    { kind: 'unix', path: `/tmp/${'x'.repeat(103)}` },
  ])('when $kind cannot be dialled', async (address) => {
    await expect(dial(address)).rejects.toMatchObject({ code: 'usage' });
  });
});

test('leaves no socket behind when the caller gives up', async () => {
  const hole = await startBlackhole();
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  const caller = new AbortController();
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const dialling = dial(hole.address, { resolve }, caller.signal);
  await eventually(sockets, before + 1);
  caller.abort(new TunlError('interrupted', 'nobody waits'));
  await expect(dialling).rejects.toThrow('nobody waits');
  await eventually(sockets, before);
});
