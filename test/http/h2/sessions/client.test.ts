import { expect, test } from 'vitest';
import { openSession } from '../../../../src/http/h2/sessions/client.ts';
import { clientSetup } from '../../../../src/http/h2/setup.ts';
import { makeTcpPair } from '../../../support/harness/link-pairs.ts';
import { preface } from '../../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../../support/peers/h2-peer.ts';
import { RawPeer } from '../../../support/peers/raw-peer.ts';

const pseudo = { method: 'CONNECT', authority: 'db:22' };

/** Our end of a session with a proxy that the test plays. */
async function startSession() {
  const { first, second } = await makeTcpPair();
  const opening = openSession(first, clientSetup, new AbortController().signal);
  const peer = new Http2Peer(new RawPeer(second));
  await peer.raw.read(preface.length);
  peer.settings([]);
  return { session: await opening, peer };
}

test('a session that has reset many streams takes no more, and ends with the last of them', async () => {
  const { session, peer } = await startSession();
  let resets = 0;
  for (; session.usable; resets++) {
    const stream = session.open(pseudo, [], {});
    stream.cancel();
  }
  // A peer may end a session with all its tunnels after 1,000.
  expect(resets).toBeGreaterThan(100);
  expect(resets).toBeLessThan(1000);
  expect(await peer.waitForSessionEnd()).toBe('closed');
});
