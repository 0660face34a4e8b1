import { expect, test, vi } from 'vitest';
import { flowOf } from '../../src/core/duplex-flow.ts';
import { linkPair } from '../../src/core/link.ts';
import { WebSocketFlow } from '../../src/websocket/flow.ts';
import { frames, readOpcodes, startWebSocket } from '../support/harness/websocket-bed.ts';
import { FlowUser } from '../support/flow-user.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { moveTimers, turn } from '../support/turns.ts';

moveTimers();

test('closes a connection that the other side never ends, a few seconds after both halves have ended', async () => {
  const { flow, below, far } = startWebSocket();
  far.send(frames.end);
  flow.end();
  await turn();
  expect(flow.isFinished).toBe(true);
  await vi.advanceTimersByTimeAsync(3000);
  expect(below.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(3000);
  expect([below.destroyed, flow.failure]).toEqual([true, undefined]);
});

test('gives a reader that is slow all the time that it takes', async () => {
  const { flow, below, far } = startWebSocket();
  far.stream.pause();
  far.send(frames.end);
  await turn();
  flow.write(Buffer.alloc(1 << 20));
  flow.end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(below.destroyed).toBe(false);
  far.stream.resume();
  await turn();
  await vi.advanceTimersByTimeAsync(6000);
  expect([flow.isFinished, below.destroyed]).toEqual([true, true]);
  expect(far.inbox.farEnd).toBe('fin');
});

test('does not wait for a peer that broke the rules and does not read why', async () => {
  const { flow, below, far } = startWebSocket();
  far.stream.pause();
  flow.write(Buffer.alloc(1 << 20));
  far.send(frames.fault);
  await turn();
  expect([flow.failure?.message, below.destroyed]).toEqual([
    'a frame has reserved bits, which nobody negotiated',
    false,
  ]);
  await vi.advanceTimersByTimeAsync(6000);
  expect(below.destroyed).toBe(true);
});

test('a client pings every 25 seconds while it reads and both halves are not over; a server does not', async () => {
  const { flow, far } = startWebSocket();
  const [below, client] = linkPair();
  const server = new FlowUser(new WebSocketFlow(flowOf(below), 'server'));
  const peer = new RawPeer(client);
  await vi.advanceTimersByTimeAsync(52_000);
  expect(readOpcodes(far)).toEqual([9, 9]);
  flow.pause();
  await vi.advanceTimersByTimeAsync(52_000);
  expect(readOpcodes(far)).toEqual([9, 9]);
  flow.resume();
  flow.end();
  await vi.advanceTimersByTimeAsync(26_000);
  expect(readOpcodes(far)).toEqual([9, 9, 2, 9]);
  expect(peer.inbox.size).toBe(0);
  server.flow.close();
});
