import { describe, expect, test } from 'vitest';
import { startTestServe } from '../../support/harness/app.ts';
import { eventually } from '../../support/eventually.ts';
import { startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

/** Asks for a tunnel over HTTP/1.1 and gives the head of the answer. */
async function ask(peer: RawPeer, port: number): Promise<string> {
  peer.send(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return peer.readHead();
}

const refusal = /^HTTP\/1\.1 503 .*\r\nProxy-Status: tunl; error=connection_limit_reached\r\nRetry-After: 1\r\n/;

test('one tunnel more than --max-tunnels is refused in either protocol, and finds a place when one has ended', async () => {
  const [serve, target] = [await startTestServe({ caps: { total: 2 } }), await startTarget(echo)];
  const first = await connectPeer(serve.port);
  expect(await ask(first, target.port)).toContain(' 200 ');
  const session = await connectHttp2(serve.port);
  const second = session.connect(`127.0.0.1:${target.port}`);
  expect(await session.outcomeOf(second)).toEqual({ status: 200 });

  expect(await ask(await connectPeer(serve.port), target.port)).toMatch(refusal);
  expect(await session.outcomeOf(session.connect(`127.0.0.1:${target.port}`))).toEqual({ status: 503 });
  const failures = serve.eventsOf('tunnel.failed').map(({ status, error }) => [status, error.message]);
  expect(failures).toEqual(Array(2).fill([503, 'there are already 2 tunnels, the most allowed (--max-tunnels)']));
  expect(target.accepted).toBe(2);

  first.fin();
  await first.waitForEnd();
  await eventually(() => serve.running.tunnels.size, 1);
  expect(await session.outcomeOf(session.connect(`127.0.0.1:${target.port}`))).toEqual({ status: 200 });
  expect(await ask(await connectPeer(serve.port), target.port)).toMatch(refusal);
});

test('a tunnel that waits for its target counts, and one that failed does not', async () => {
  const [serve, target] = [await startTestServe({ caps: { total: 1 } }), await startTarget(echo)];
  expect(await ask(await connectPeer(serve.port), refusedAddress.port)).toContain(' 502 ');
  expect(await ask(await connectPeer(serve.port), target.port)).toContain(' 200 ');
});

test('one client has its own number of tunnels, whatever it comes by', async () => {
  const [serve, target] = [await startTestServe({ caps: { perClient: 1 } }), await startTarget(echo)];
  const session = await connectHttp2(serve.port);
  expect(await session.outcomeOf(session.connect(`127.0.0.1:${target.port}`))).toEqual({ status: 200 });
  expect(await ask(await connectPeer(serve.port), target.port)).toMatch(refusal);
  const other = await connectPeer(serve.port, { from: '127.0.0.2' });
  expect(await ask(other, target.port)).toContain(' 200 ');
});

describe('one session', () => {
  test.each([3, 5000])('has its own number of tunnels, %i, and says so beforehand', async (perSession) => {
    const bed = await startHttp2Bed({ caps: { perSession } });
    const peer = await bed.connect();
    const { payload } = await peer.until('SETTINGS', (frame) => frame.type === 'settings' && frame.payload.length > 0);
    const settings = Array.from({ length: payload.length / 6 }, (_, index) => payload.subarray(index * 6));
    // SETTINGS_MAX_CONCURRENT_STREAMS
    expect(settings.find((setting) => setting.readUInt16BE(0) === 3)?.readUInt32BE(2)).toBe(perSession);
    for (let left = 3; left > 0; left--) await bed.expectTunnel(peer);
    await bed.expectTunnel(await bed.connect());
  });

  test('is refused what it asks for beyond them before it has read so, for another session to take', async () => {
    const bed = await startHttp2Bed({ caps: { perSession: 3 } });
    const peer = await bed.connect();
    const streams = Array.from({ length: 5 }, () => peer.connect(bed.authority));
    const REFUSED_STREAM = { reset: 0x7 };
    const opened = { status: 200 };
    expect(await peer.outcomesOf(streams)).toEqual([opened, opened, opened, REFUSED_STREAM, REFUSED_STREAM]);
  });
});

test('after a thousand tunnels that ended in every way there are as many places as before', async () => {
  const [serve, target] = [await startTestServe({ caps: { total: 50, perClient: 40 } }), await startTarget(echo)];
  const endings: readonly ((port: number) => Promise<void>)[] = [
    async (port) => {
      const peer = await connectPeer(serve.port);
      await ask(peer, port);
      peer.fin();
      await peer.waitForEnd();
    },
    async (port) => {
      const peer = await connectPeer(serve.port);
      await ask(peer, port);
      peer.reset();
    },
    async () => void (await ask(await connectPeer(serve.port), refusedAddress.port)),
    // This client leaves before the answer.
    async (port) => {
      const peer = await connectPeer(serve.port);
      peer.send(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
      peer.reset();
    },
    async (port) => {
      const session = await connectHttp2(serve.port);
      const stream = session.connect(`127.0.0.1:${port}`);
      await session.outcomeOf(stream);
      session.reset(stream, 0x8);
      session.raw.reset();
    },
  ];
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 10 }, () => endings.map((end) => end(target.port))).flat());
  }
  await eventually(() => serve.running.tunnels.size, 0);
  const answers: string[] = [];
  for (let left = 41; left > 0; left--) answers.push(await ask(await connectPeer(serve.port), target.port));
  expect(answers.filter((answer) => answer.includes(' 200 '))).toHaveLength(40);
  expect(answers.at(-1)).toMatch(refusal);
});
