import { expect, onTestFinished, test, vi } from 'vitest';
import { serveHttp2 } from '../../../../src/http/h2/server.ts';
import { serverSetup } from '../../../../src/http/h2/setup.ts';
import { inTime } from '../../../support/eventually.ts';
import { makeTcpPair } from '../../../support/harness/link-pairs.ts';
import { Http2Peer } from '../../../support/peers/h2-peer.ts';
import { RawPeer } from '../../../support/peers/raw-peer.ts';

test.each([
  ['does not acknowledge our settings loses its session', 0, 4],
  ['acknowledges them keeps it', 1, undefined],
] as const)('a client that %s', async (_, acknowledged, code) => {
  const { first, second } = await makeTcpPair();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const serving = serveHttp2(first, serverSetup, new AbortController().signal, () => {});
  const peer = new Http2Peer(new RawPeer(second));
  peer.acknowledged = acknowledged;
  peer.start();
  await peer.isRead();
  vi.advanceTimersByTime(20_000);
  vi.useRealTimers();
  if (code === undefined) return peer.isRead();
  expect(await peer.waitForSessionEnd()).toBe(code);
  await inTime('the end of the session', serving);
});
