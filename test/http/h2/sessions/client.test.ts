import { expect, test } from 'vitest';
import { callHttp2 } from '../../../../src/http/h2/call.ts';
import { openSession } from '../../../../src/http/h2/sessions/client.ts';
import type { Peer } from '../../../../src/core/link.ts';
import { clientSetup } from '../../../../src/http/h2/setup.ts';
import { makeTcpPair } from '../../../support/harness/link-pairs.ts';
import { preface } from '../../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../../support/peers/h2-peer.ts';
import { RawPeer } from '../../../support/peers/raw-peer.ts';

const pseudo = { method: 'CONNECT', authority: 'db:22' };

/** Our end of a session with a proxy that the test plays. */
async function startSession(peerFacts: Peer = {}) {
  const { first, second } = await makeTcpPair();
  const link = new Proxy(first, { get: (of, name) => (name === 'peer' ? peerFacts : Reflect.get(of, name)) });
  const opening = openSession(link, clientSetup, new AbortController().signal);
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

test('a server over TLS that keeps the head of an answer until it is pinged gives it out', async () => {
  const { session, peer } = await startSession({ tls: { protocol: 'TLSv1.3', cipher: '' } });
  const post = { method: 'POST', target: '/', authority: 'db:22', scheme: 'https', headers: [] } as const;
  const opens = { kind: 'bodies' } as const;
  const asked = { name: 'proxy:443', side: 'hop', phase: 'handshake' } as const;
  const calling = callHttp2(session, { ...post, opens }, asked, new AbortController().signal);
  const { stream } = await peer.until('the request', ({ type }) => type === 'headers');
  await peer.until('PING', ({ type }) => type === 'ping');
  peer.answer(stream, 200);
  const { status, link } = await calling;
  expect([status, link]).toEqual([200, expect.anything()]);
  await session.close('now');
});
