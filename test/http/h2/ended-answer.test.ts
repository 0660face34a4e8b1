import { describe, expect, onTestFinished, test } from 'vitest';
import { type Link, resetError } from '../../../src/core/link.ts';
import { relay } from '../../../src/relay/relay.ts';
import { makeHop, makeRoute } from '../../support/harness/app.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { acceptHttp2, type Http2Peer } from '../../support/peers/h2-peer.ts';
import { makeContext, makeTcpPair } from '../../support/harness/link-pairs.ts';
import { fingerprint, makePayload } from '../../support/payload.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const address = { kind: 'tcp', host: 'target.example', port: 443 } as const;

/** Fits into the window of one stream. */
const answer = makePayload(200_000);

/** A tunnel of ours, and the end of its session that the test plays. */
async function openTunnel(): Promise<{ link: Link; session: Http2Peer; stream: number }> {
  const proxy = await startTarget();
  const route = await makeRoute([makeHop('h2c', proxy.port)]);
  const dialling = route.dial(address, makeContext(address));
  const session = await acceptHttp2(proxy);
  const stream = await session.nextRequest();
  session.answer(stream, 200);
  const link = await dialling;
  onTestFinished(() => link.reset(resetError('the test is over')));
  return { link, session, stream };
}

/** The answer, its end, and the reset of what the client may still send. */
function sendAnswer(session: Http2Peer, stream: number, code: number): void {
  const frameBytes = 16_384;
  for (let at = 0; at < answer.length; at += frameBytes) {
    session.send('data', stream, answer.subarray(at, at + frameBytes));
  }
  session.send('data', stream, '', flags.endStream);
  session.reset(stream, code);
}

/** A TCP client of a tunnel that is ended in this way. */
async function relayTunnel(code: number) {
  const { link, session, stream } = await openTunnel();
  const { first, second } = await makeTcpPair();
  const handle = relay(first, link, { idleMs: 0, lingerMs: 4000 });
  sendAnswer(session, stream, code);
  return { client: new RawPeer(second), handle };
}

const clean = [
  ['NO_ERROR', 0x0],
  ['CANCEL', 0x8],
] as const;

const failures = [
  ['INTERNAL_ERROR', 0x2],
  ['CONNECT_ERROR', 0xa],
] as const;

describe.each([...clean, ...failures])('an answer that has ended before RST_STREAM(%s) comes', (_, code) => {
  test('is whole, also where nobody has read any of it yet', async () => {
    const { link, session, stream } = await openTunnel();
    sendAnswer(session, stream, code);
    await session.isRead();
    expect(fingerprint(await new RawPeer(link).readToEnd())).toBe(fingerprint(answer));
    await eventually(() => link.stream.destroyed, true);
  });

  test('leaves nothing open where nobody will read it', async () => {
    const { link, session, stream } = await openTunnel();
    sendAnswer(session, stream, code);
    await session.isRead();
    link.reset(resetError('nobody reads'));
    await eventually(() => link.stream.destroyed, true);
  });

  test('is whole and then a reset where bytes of ours were still waiting', async () => {
    const { link, session, stream } = await openTunnel();
    // More than the windows take.
    link.stream.write(Buffer.alloc(1 << 20));
    sendAnswer(session, stream, code);
    expect(fingerprint(await new RawPeer(link).readToEnd())).toBe(fingerprint(answer));
    await eventually(() => (link.stream.errored as NodeJS.ErrnoException | null)?.code, 'ECONNRESET');
  });
});

describe.each(clean)('an answer that has ended before RST_STREAM(%s) comes', (_, code) => {
  test('goes on whole to a client, which is reset only once it sends more', async () => {
    const { client, handle } = await relayTunnel(code);
    expect(fingerprint(await client.readToEnd())).toBe(fingerprint(answer));
    client.send('more');
    expect(await inTime('the end of the tunnel', handle.done)).toMatchObject({ end: 'reset', side: 'target' });
  });

  test('is a clean end for a client that ends too', async () => {
    const { client, handle } = await relayTunnel(code);
    await client.readToEnd();
    client.fin();
    expect(await inTime('the end of the tunnel', handle.done)).toMatchObject({ end: 'clean' });
  });
});

test.each(failures)(
  'an answer that has ended before RST_STREAM(%s) is whole, and then the tunnel is reset',
  async (_, code) => {
    const { client, handle } = await relayTunnel(code);
    expect(await inTime('the end of the tunnel', handle.done)).toMatchObject({
      end: 'reset',
      side: 'target',
      delivered: true,
    });
    expect(fingerprint(await client.read(answer.length))).toBe(fingerprint(answer));
  },
);
