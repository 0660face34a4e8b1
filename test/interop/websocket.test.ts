import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, startTarget, type Target } from '../support/targets/plain.ts';
import { startApache, startHaproxy, startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { openTunnel } from './support/tunnels.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';

const bulkBytes = amount(20_000_000, 200_000_000);

/** Starts `forward` to a target, through a front end and `serve --ws` behind it. */
async function startWay(startFront: (backendPort: number) => Promise<Part>, target: Target) {
  const serve = await startTunlServe(['--ws']);
  const front = await startFront(serve.port);
  const forward = await startTunl(['forward', '-x', `ws://127.0.0.1:${front.port}`, `:127.0.0.1:${target.port}`]);
  onTestFinished(async () => {
    for (const part of [forward, front, serve]) await part.stop();
  });
  return { port: forward.port, log: () => [forward, front, serve].map((part) => part.log()).join('\n') };
}

describe.each([
  ['nginx', startNginx],
  ['Apache', startApache],
  ['haproxy', startHaproxy],
])('ws:// through %s', (_name, startFront) => {
  test('carries what both sides send, byte for byte', async () => {
    const [there, back] = [randomBytes(bulkBytes), randomBytes(bulkBytes)];
    const target = await startTarget(answerAtEnd((all) => `${createHash('sha256').update(all).digest('hex')}`));
    const echoing = await startTarget((socket) => void socket.end(back));
    const way = await startWay(startFront, target);
    const up = await connectPeer(way.port);
    up.send(there);
    up.fin();
    expect((await up.readToEnd()).toString(), way.log()).toBe(createHash('sha256').update(there).digest('hex'));
    const other = await startWay(startFront, echoing);
    const down = await connectPeer(other.port);
    expect((await down.readToEnd()).equals(back), other.log()).toBe(true);
  });

  test('keeps the ends of both halves apart', async () => {
    const target = await startTarget();
    const way = await startWay(startFront, target);
    const ends = await openTunnel(way.port, target);
    ends.target.fin();
    expect(await ends.client.waitForEnd(), way.log()).toBe('fin');
    ends.client.send('still here');
    expect((await ends.target.read(10)).toString()).toBe('still here');
    ends.client.fin();
    expect(await ends.target.waitForEnd()).toBe('fin');
  });

  test('passes resets on in both directions, and never as an end', async () => {
    const target = await startTarget();
    const way = await startWay(startFront, target);
    const first = await openTunnel(way.port, target);
    first.target.reset();
    expect(await first.client.waitForEnd(), way.log()).toBe('reset');
    const second = await openTunnel(way.port, target);
    second.client.reset();
    expect(await second.target.waitForEnd(), way.log()).toBe('reset');
  });
});
