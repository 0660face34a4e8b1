import { createHash, randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerAtEnd, startTarget, type Target } from '../../support/targets/plain.ts';
import type { Part } from './part.ts';
import { openTunnel } from './tunnels.ts';

/** A port that leads to a target. */
export interface Way {
  readonly port: number;
  /** What the programs on the way have said. */
  readonly log: () => string;
}

/** Starts a way to a target, until the test is over. */
export type StartWay = (target: Target) => Promise<Way>;

/** Makes a way of its parts, of which the first one listens for clients; the test's end stops them. */
export function makeWay(...parts: readonly [Part, ...Part[]]): Way {
  onTestFinished(async () => {
    for (const part of parts) await part.stop();
  });
  return { port: parts[0].port, log: () => parts.map((part) => part.log()).join('\n') };
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** A target that sends the digest of what it has got, once that has ended. */
export function startDigester(): Promise<Target> {
  return startTarget(answerAtEnd(digest));
}

/** Sends so many bytes to a `startDigester` at the end of a way. */
export async function expectSent({ port, log }: Way, bytes: number): Promise<void> {
  const there = randomBytes(bytes);
  const client = await connectPeer(port);
  client.send(there);
  client.fin();
  expect((await client.readToEnd()).toString(), log()).toBe(digest(there));
}

/** Checks that so many bytes arrive in each direction, byte for byte. */
export async function expectBytes(startWay: StartWay, bytes: number): Promise<void> {
  await expectSent(await startWay(await startDigester()), bytes);
  const back = randomBytes(bytes);
  const { port, log } = await startWay(await startTarget((socket) => void socket.end(back)));
  const client = await connectPeer(port);
  expect((await client.readToEnd()).equals(back), log()).toBe(true);
}

/** Checks that each half ends by itself: the target's first. */
export async function expectHalves(startWay: StartWay): Promise<void> {
  const target = await startTarget();
  const { port, log } = await startWay(target);
  const ends = await openTunnel(port, target);
  ends.target.fin();
  expect(await ends.client.waitForEnd(), log()).toBe('fin');
  ends.client.send('still here');
  expect((await ends.target.read(10)).toString()).toBe('still here');
  ends.client.fin();
  expect(await ends.target.waitForEnd()).toBe('fin');
}

/** Checks that resets of both sides arrive as resets, and never as an end. */
export async function expectResets(startWay: StartWay): Promise<void> {
  const target = await startTarget();
  const { port, log } = await startWay(target);
  const first = await openTunnel(port, target);
  first.target.reset();
  expect(await first.client.waitForEnd(), log()).toBe('reset');
  const second = await openTunnel(port, target);
  second.client.reset();
  expect(await second.target.waitForEnd(), log()).toBe('reset');
}
