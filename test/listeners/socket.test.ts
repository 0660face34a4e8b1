import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import type { Link } from '../../src/core/link.ts';
import { listen } from '../../src/listeners/socket.ts';
import { hasAbstractNames } from '../support/abstract-names.ts';
import { eventually } from '../support/eventually.ts';
import { direct, makeContext } from '../support/harness/link-pairs.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';
import { program } from '../support/harness/tunl-process.ts';

const ignore = () => {};

describe('a TCP listener', () => {
  test('says the port that the system chose', async () => {
    const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, ignore);
    expect(listener.address).toEqual({ kind: 'tcp', host: '127.0.0.1', port: expect.any(Number) });
    expect(listener.address).not.toMatchObject({ port: 0 });
    await listener.close();
  });

  test('on every address knows an IPv4 client by its own address, not by a mapped one', async () => {
    const yielded: Link[] = [];
    const listener = await listen({ kind: 'tcp', host: '*', port: 0 }, (link) => yielded.push(link));
    const client = await connectPeer((listener.address as { port: number }).port);
    await eventually(
      () => yielded.map(({ peer }) => peer.address),
      [{ kind: 'tcp', host: '127.0.0.1', port: expect.any(Number) }],
    );
    client.reset();
    yielded[0]?.stream.destroy();
    await listener.close();
  });

  test.each<[string, Address, string]>([
    [
      'an address of another machine',
      { kind: 'tcp', host: '203.0.113.1', port: 0 },
      'the address is not one of this machine',
    ],
    ['a folder that does not exist', { kind: 'unix', path: '/no/such/folder/socket' }, 'there is no such folder'],
    ['a descriptor that is not open', { kind: 'fd', fd: 9999 }, 'it is not a listening socket'],
  ])('says why it cannot listen on %s', async (_, address, reason) => {
    await expect(listen(address, ignore)).rejects.toMatchObject({
      code: 'address_in_use',
      message: expect.stringMatching(new RegExp(`^cannot listen on .*: ${reason}$`)),
    });
  });
});

test('connections are served by sockets of Node where its handles cannot be read in our way', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const first = connect((probe.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(probe, 'connection')) as [Socket];
  let owner = (peer as unknown as { _handle: object })._handle;
  while (!Object.hasOwn(owner, 'useUserBuffer')) owner = Object.getPrototypeOf(owner) as object;
  first.destroy();
  peer.destroy();
  probe.close();
  const yielded: Link[] = [];
  const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => yielded.push(link));
  const method = Object.getOwnPropertyDescriptor(owner, 'useUserBuffer') as PropertyDescriptor;
  Object.defineProperty(owner, 'useUserBuffer', { ...method, value: undefined });
  onTestFinished(() => void Object.defineProperty(owner, 'useUserBuffer', method));
  const client = await connectPeer((listener.address as { port: number }).port);
  await eventually(() => yielded.length, 1);
  expect(yielded[0]?.flow).toBeUndefined();
  yielded[0]?.stream.end('hello');
  expect((await client.readToEnd()).toString()).toBe('hello');
  client.fin();
  await listener.close();
});

describe('a listener on localhost', () => {
  const localhost = (port: number): Address => ({ kind: 'tcp', host: 'localhost', port });

  /** Makes the system say this of ::1, as often as it is asked to listen there. */
  function refuseIpv6(code: string, times = Infinity): void {
    const { listen: real } = Server.prototype;
    const spy = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
      const { host } = args[0] as { host?: string };
      if (host !== '::1' || times-- <= 0) return Reflect.apply(real, this, args) as Server;
      setImmediate(() => this.emit('error', Object.assign(new Error(code), { code })));
      return this;
    });
    onTestFinished(() => spy.mockRestore());
  }

  const canListen = (host: string, port: number) =>
    listen({ kind: 'tcp', host, port }, ignore).then(
      async (listener) => (await listener.close(), true),
      () => false,
    );

  test('is one place to those who are told, and is reached by both of its addresses', async () => {
    const yielded: Link[] = [];
    const listener = await listen(localhost(0), (link) => yielded.push(link));
    const { port } = listener.address as { port: number };
    expect(listener).toMatchObject({
      address: { kind: 'tcp', host: '127.0.0.1', port },
      beside: { kind: 'tcp', host: '::1', port },
    });
    for (const host of ['127.0.0.1', '::1']) {
      const client = connect({ host, port });
      await once(client, 'connect');
      await eventually(() => yielded.length, 1);
      expect(yielded[0]?.peer).toMatchObject({ address: { host }, reached: { host, port } });
      client.destroy();
      yielded.pop()?.stream.destroy();
    }
    await listener.close();
    expect([await canListen('127.0.0.1', port), await canListen('::1', port)]).toEqual([true, true]);
  });

  test.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])('says nothing of a system without IPv6 (%s)', async (code) => {
    refuseIpv6(code);
    const listener = await listen(localhost(0), ignore);
    expect(listener).toMatchObject({ address: { host: '127.0.0.1' } });
    expect(listener.beside).toBeUndefined();
    await listener.close();
  });

  test('fails where another program has its port on ::1, and leaves nothing open', async () => {
    const other = await listen({ kind: 'tcp', host: '::1', port: 0 }, ignore);
    const { port } = other.address as { port: number };
    await expect(listen(localhost(port), ignore)).rejects.toMatchObject({
      code: 'address_in_use',
      message: `cannot listen on [::1]:${port}: the address is in use`,
      facts: { hints: ['localhost is 127.0.0.1 and ::1; write 127.0.0.1 to listen there alone'] },
    });
    expect(await canListen('127.0.0.1', port)).toBe(true);
    await other.close();
  });

  test('takes another free port where the first is not free on ::1', async () => {
    refuseIpv6('EADDRINUSE', 3);
    const listener = await listen(localhost(0), ignore);
    expect(listener.beside).toMatchObject({ host: '::1', port: (listener.address as { port: number }).port });
    await listener.close();
  });

  test('gives up where no port is free on ::1', async () => {
    refuseIpv6('EADDRINUSE');
    await expect(listen(localhost(0), ignore)).rejects.toMatchObject({ code: 'address_in_use' });
  });
});

test.each<[string, Address]>([
  ['a name of this process', { kind: 'internal', name: 'x' }],
  ['a path that does not fit into a socket address', { kind: 'unix', path: `/tmp/${'x'.repeat(103)}` }],
])('does not listen on %s', async (_, address) => {
  await expect(listen(address, ignore)).rejects.toMatchObject({ code: 'usage' });
});

describe('a Unix listener', () => {
  /** A socket file whose owner died without removing it. */
  async function leaveStaleSocket(path: string): Promise<void> {
    const owner = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', owner], { stdio: 'ignore' }), 'close');
  }

  test('takes the place of a socket whose owner is gone', async () => {
    const path = join(makeTempFolder(), 'socket');
    await leaveStaleSocket(path);
    expect(existsSync(path)).toBe(true);
    const yielded: Link[] = [];
    const listener = await listen({ kind: 'unix', path }, (link) => yielded.push(link));
    const client = await direct({ kind: 'unix', path }, makeContext({ kind: 'unix', path }));
    await eventually(() => yielded.length, 1);
    client.stream.destroy();
    yielded[0]?.stream.destroy();
    await listener.close();
  });

  test('leaves a file that is no socket alone', async () => {
    const path = join(makeTempFolder(), 'file');
    writeFileSync(path, 'precious');
    await expect(listen({ kind: 'unix', path }, ignore)).rejects.toMatchObject({ code: 'address_in_use' });
    expect(existsSync(path)).toBe(true);
  });

  test('removes its file when it is closed', async () => {
    const path = join(makeTempFolder(), 'socket');
    const listener = await listen({ kind: 'unix', path }, ignore);
    await listener.close();
    await eventually(() => existsSync(path), false);
  });
});

describe.runIf(hasAbstractNames)('a listener in the abstract namespace', () => {
  const path = `\0tunl-test-${process.pid}`;

  test('has its name and no other, is no file, and is free again once it is closed', async () => {
    const yielded: Link[] = [];
    const listener = await listen({ kind: 'unix', path }, (link) => yielded.push(link));
    expect(listener.address).toEqual({ kind: 'unix', path });
    // The kernel shows the zeros that a padded name would have.
    expect(readFileSync('/proc/net/unix', 'latin1')).toMatch(new RegExp(` @tunl-test-${process.pid}$`, 'm'));
    expect(existsSync(`@tunl-test-${process.pid}`)).toBe(false);
    const client = await direct({ kind: 'unix', path }, makeContext({ kind: 'unix', path }));
    await eventually(() => yielded.length, 1);
    client.stream.destroy();
    yielded[0]?.stream.destroy();
    await listener.close();
    await (await listen({ kind: 'unix', path }, ignore)).close();
  });

  test('says that another has it already', async () => {
    const listener = await listen({ kind: 'unix', path }, ignore);
    await expect(listen({ kind: 'unix', path }, ignore)).rejects.toMatchObject({
      code: 'address_in_use',
      message: `cannot listen on unix:@tunl-test-${process.pid}: the address is in use`,
    });
    await listener.close();
  });
});

test('an inherited descriptor is listened on at the address that it has', async () => {
  const parent = createServer().listen(0, '127.0.0.1');
  await once(parent, 'listening');
  const { port } = parent.address() as AddressInfo;
  const { fd } = (parent as unknown as { _handle: { fd: number } })._handle;
  const child = spawn(process.execPath, [program, 'serve', 'fd:3'], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
  }) as unknown as ChildProcessByStdio<null, null, Readable>;
  const ended = once(child, 'close');
  const [said] = (await once(child.stderr, 'data')) as [Buffer];
  expect(said.toString()).toBe(`tunl: serving 127.0.0.1:${port}\n`);
  parent.close();
  const target = await startTarget(echo);
  const client = await connectPeer(port);
  client.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  client.fin();
  await client.readToEnd();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
