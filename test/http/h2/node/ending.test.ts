import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { linkPair } from '../../../../src/core/link.ts';
import { leaveSession } from '../../../../src/http/h2/node/ending.ts';
import { eventually } from '../../../support/eventually.ts';
import { RawPeer } from '../../../support/peers/raw-peer.ts';

test('a session that is left does not wait for ever for its peer to read', async () => {
  const [near, far] = linkPair();
  const peer = new RawPeer(far, { reading: false });
  const session = connect('http://a.test', { createConnection: () => near.stream as unknown as Socket });
  session.on('error', () => {});
  const stream = session.request({ ':method': 'POST' }).on('error', () => {});
  stream.write(Buffer.alloc(60_000));
  await eventually(() => near.stream.writableLength > 0, true);
  leaveSession(session, near);
  expect(await peer.waitForEnd()).toBe('reset');
});
