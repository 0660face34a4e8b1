import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { makeHop, startTestForward, startTestServe, type TestApp } from '../../support/harness/app.ts';
import { type Manners, startModesBed } from '../../support/harness/modes-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import type { Way } from '../../support/peers/front-end.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

const ways = ['h2 CONNECT', 'h1 CONNECT', 'h1 GET', 'h2 POST', 'h1 poll'] as const satisfies readonly Way[];

/** A front end that refuses everything but one way. */
const allBut = (way?: Way): Manners =>
  Object.fromEntries(ways.filter((other) => other !== way).map((other) => [other, 400]));

/** The ways of the tunnels that this event has told of. */
const viaOf = (app: TestApp, event: 'tunnel.opened' | 'tunnel.closed' | 'tunnel.failed') =>
  app.eventsOf(event).map(({ via }) => via);

test.each<[string, Way, string]>([
  ['h2', 'h2 CONNECT', 'alone'],
  ['https', 'h1 CONNECT', 'behind another proxy'],
  ['wss', 'h1 GET', 'alone'],
  ['post+https', 'h2 POST', 'behind another proxy'],
  ['poll+https', 'h1 poll', 'alone'],
  ['poll+https', 'h1 poll', 'behind another proxy'],
])('records name the mode that won: %s in %s, %s', async (scheme, way, place) => {
  const target = await startTarget(echo);
  const { hop, front } = await startModesBed(allBut(way));
  const { port } = await startTestServe();
  const before = place === 'alone' ? [] : [makeHop('http', port)];
  const nameOf = (own: string) => [...before.map(() => `http://127.0.0.1:${port}`), own];
  const hops = [...before, hop];
  const forward = await startTestForward(target.address, { hops });
  const client = await connectPeer(forward.port);
  client.fin();
  expect(await client.waitForEnd()).toBe('fin');
  const taken = nameOf(`${scheme}://127.0.0.1:${front.port}`);
  await eventually(() => viaOf(forward, 'tunnel.closed'), [taken]);
  expect(viaOf(forward, 'tunnel.opened')).toEqual([taken]);
  // A target that fails is one that the mode has asked for; without a mode the hop is named as it was written.
  const failing = await startTestForward(refusedAddress, { hops });
  await (await connectPeer(failing.port)).waitForEnd();
  await eventually(() => viaOf(failing, 'tunnel.failed'), [taken]);
  Object.assign(front.manners, allBut());
  await (await connectPeer(failing.port)).waitForEnd();
  await eventually(() => viaOf(failing, 'tunnel.failed'), [taken, nameOf(`auto+https://127.0.0.1:${front.port}`)]);
});
