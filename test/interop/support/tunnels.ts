import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../../support/targets/plain.ts';

/** Both ends of a tunnel, each written and read by the test. */
export interface TunnelEnds {
  readonly client: RawPeer;
  readonly target: RawPeer;
}

/** Opens a tunnel at a port that leads to the target, and sends a word each way. */
export async function openTunnel(port: number, target: Target): Promise<TunnelEnds> {
  const client = await connectPeer(port);
  client.send('ping');
  const far = await findCaller(target);
  far.send('pong');
  await client.read(4);
  return { client, target: far };
}

/** Connections that end without a word come from the start of a part, which tries its port. */
async function findCaller(target: Target): Promise<RawPeer> {
  const peer = await target.accept();
  const spoke = await peer.read(4).then(
    () => true,
    () => false,
  );
  if (spoke) return peer;
  peer.reset();
  return findCaller(target);
}

/** Opens so many tunnels at once to a target that sends everything back; each must get its own bytes. */
export async function exchangeOwnBytes(port: number, count: number): Promise<readonly RawPeer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => connectPeer(port)));
  // None goes on before all have had their first answer: they are open at the same time.
  for (const bytes of [1000, 40_000]) {
    const sent = peers.map(() => randomBytes(bytes));
    peers.forEach((peer, index) => peer.send(sent[index] as Buffer));
    const answers = await Promise.all(peers.map((peer) => peer.read(bytes)));
    expect(answers.findIndex((answer, index) => !answer.equals(sent[index] as Buffer))).toBe(-1);
  }
  return peers;
}

/** As `exchangeOwnBytes`, and then each of them ends cleanly. */
export async function expectOwnBytes(port: number, count: number): Promise<void> {
  const peers = await exchangeOwnBytes(port, count);
  for (const peer of peers) peer.fin();
  expect(await Promise.all(peers.map((peer) => peer.waitForEnd()))).toEqual(peers.map(() => 'fin'));
}

/** A target that sends back what it gets. */
export function startEcho(): Promise<Target> {
  return startTarget(echo);
}
