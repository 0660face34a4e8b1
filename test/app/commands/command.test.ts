import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { cutWithCommand, endWithCommand } from '../../../src/app/commands/command.ts';
import { startForward } from '../../../src/app/commands/forward.ts';
import type { Running } from '../../../src/app/runtime.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import { Scope } from '../../../src/core/scope.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../../support/targets/plain.ts';

const limits = {
  dnsMs: 4000,
  connectMs: 4000,
  tlsMs: 4000,
  handshakeMs: 4000,
  idleMs: 0,
  lingerMs: 0,
  halfCloseWaitMs: 0,
};
const graceMs = 2 ** 31 - 1;

interface Setup {
  readonly target: Target;
  readonly running: Running;
  readonly runtime: { readonly scope: Scope; readonly emit: (event: TunlEvent) => void };
  readonly events: TunlEvent[];
  readonly port: number;
}

/** A forward to a target that the test plays, and that would wait for ever. */
async function start(): Promise<Setup> {
  const target = await startTarget();
  const [scope, events] = [new Scope(), [] as TunlEvent[]];
  const runtime = { scope, emit: (event: TunlEvent) => void events.push(event) };
  const specs = [{ listen: { kind: 'tcp', host: '127.0.0.1', port: 0 }, target: target.address }] as const;
  const running = await startForward({ hops: [], limits, specs }, { ...runtime, graceMs });
  onTestFinished(() => void cutWithCommand(running, runtime));
  const [address] = running.addresses;
  return { target, running, runtime, events, port: address?.kind === 'tcp' ? address.port : 0 };
}

const ends = (events: readonly TunlEvent[]) =>
  events.flatMap((event) => (event.event === 'tunnel.closed' ? [event.end] : []));

/** A client that has asked something, and the target that has read it. */
async function ask(port: number, target: Target): Promise<{ client: RawPeer; peer: RawPeer }> {
  const client = await connectPeer(port);
  client.send('question');
  const peer = await target.accept();
  await peer.readUntil('question');
  return { client, peer };
}

test('a tunnel whose client has ended is over with its target, and what still comes is dropped', async () => {
  const { target, running, runtime, events, port } = await start();
  const { client, peer } = await ask(port, target);
  client.fin();
  expect(await peer.waitForEnd()).toBe('fin');
  const ended = endWithCommand(running, runtime);
  await eventually(() => runtime.scope.draining.aborted, true);
  peer.send('late answer');
  peer.fin();
  await inTime('the end', ended);
  expect(client.inbox.size).toBe(0);
  expect(events.filter(({ event }) => event === 'tunnel.closed')).toHaveLength(1);
});

test('a tunnel that nothing moves in is closed after a second, and nobody is reset', async () => {
  const { target, running, runtime, events, port } = await start();
  const { client, peer } = await ask(port, target);
  client.fin();
  expect(await peer.waitForEnd()).toBe('fin');
  await inTime('the end', endWithCommand(running, runtime));
  expect(ends(events)).toEqual(['cut']);
  expect([await client.waitForEnd(), peer.inbox.farEnd]).toEqual(['fin', 'fin']);
});

test('a tunnel that another process holds is closed after a second, and nobody is reset', async () => {
  const { target, running, runtime, events, port } = await start();
  const { client, peer } = await ask(port, target);
  await inTime('the end', endWithCommand(running, runtime));
  expect([await client.waitForEnd(), await peer.waitForEnd()]).toEqual(['fin', 'fin']);
  expect(ends(events)).toEqual(['cut']);
});

test('a tunnel is not closed while what was sent waits for a slow target', async () => {
  const { target, running, runtime, events, port } = await start();
  const client = await connectPeer(port);
  const peer = await target.accept({ reading: false });
  // More than the buffers of the system hold, so that some of it stays with us.
  const size = 32 * 1024 * 1024;
  client.send(Buffer.alloc(size));
  client.fin();
  const ended = endWithCommand(running, runtime);
  // The program looks several times at a tunnel that moves nothing before it reports that it waits.
  await eventually(() => events.some(({ event }) => event === 'notice'), true);
  expect(running.tunnels.size).toBe(1);
  peer.stream.resume();
  expect(await peer.readToEnd()).toHaveLength(size);
  peer.fin();
  await inTime('the end', ended);
});

test('connections that were made before the command ended are still accepted', async () => {
  const { target, running, runtime, port } = await start();
  const sockets: Socket[] = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').end('x'));
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const ended = endWithCommand(running, runtime);
  for (const _ of sockets) {
    const peer = await target.accept();
    expect((await peer.readToEnd()).toString()).toBe('x');
    peer.fin();
  }
  await inTime('the end', ended);
});

test('nothing outlives a command that was killed', async () => {
  const { target, running, runtime, events, port } = await start();
  const client = await connectPeer(port);
  client.send('x');
  client.fin();
  await (await target.accept()).readToEnd();
  await inTime('the end', cutWithCommand(running, runtime));
  expect(ends(events)).toEqual(['cut']);
  expect(running.tunnels.size).toBe(0);
});
