import { expect, test } from 'vitest';
import type { Dial } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import { type Link, linkPair, type Peer } from '../../src/core/link.ts';
import { eventually } from '../support/eventually.ts';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { flags } from '../support/peers/h2-frames.ts';
import { Http2Peer } from '../support/peers/h2-peer.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startTarget } from '../support/targets/plain.ts';

const get = head('GET / HTTP/1.1', 'Host: a');

/** A dial that a test lets succeed when it likes. */
function holdDials(): { readonly dial: Dial; readonly held: ((link: Link) => void)[]; readonly givenUp: () => number } {
  const held: ((link: Link) => void)[] = [];
  let givenUp = 0;
  const dial: Dial = (_, { signal }) =>
    new Promise((resolve, reject) => {
      held.push(resolve);
      signal.addEventListener('abort', () => {
        givenUp++;
        reject(signal.reason as Error);
      });
    });
  return { dial, held, givenUp: () => givenUp };
}

test('a session that one client waited for is still opened for the others when that one leaves', async () => {
  const target = await startTarget();
  const { dial, held, givenUp } = holdDials();
  const bed = startForwardBed({ target, version: 'http2', dial });
  const [leaving, staying] = [bed.connect(), bed.connect()];
  leaving.send(get);
  await eventually(() => held.length, 1);
  staying.send(get);
  await eventually(() => bed.asked, 2);
  leaving.reset();
  await eventually(() => bed.refusals.length, 1);
  const [near, far] = linkPair();
  held[0]?.(near);
  const upstream = new Http2Peer(new RawPeer(far));
  upstream.settings([]);
  await upstream.raw.readUntil('SM\r\n\r\n');
  upstream.answer(await upstream.nextRequest(), 204, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await staying.readHead())[0]).toBe('HTTP/1.1 204 No Content');
  expect([held.length, givenUp()]).toEqual([1, 0]);
  far.reset(new Error('the test is over'));
});

test('who comes while a session is being given up does not wait for that one', async () => {
  const target = await startTarget();
  const held: ((error: Error) => void)[] = [];
  // It takes its time to give up.
  const dial: Dial = () => new Promise((_, reject) => void held.push(reject));
  const bed = startForwardBed({ target, version: 'http2', dial });
  const leaving = bed.connect();
  leaving.send(get);
  await eventually(() => held.length, 1);
  leaving.reset();
  await eventually(() => bed.refusals.length, 1);
  const staying = bed.connect();
  staying.send(get);
  await eventually(() => held.length, 2);
  for (const reject of held) reject(new TunlError('connection_refused', 'refused', { side: 'target' }));
  expect(linesOf(await staying.readHead())[0]).toBe('HTTP/1.1 503 Service Unavailable');
});

test.each(['http1', 'http2'] as const)(
  'a connection that nobody waits for any more is given up, over %s',
  async (version) => {
    const target = await startTarget();
    const { dial, held, givenUp } = holdDials();
    const client = startForwardBed({ target, version, dial }).connect();
    client.send(get);
    await eventually(() => held.length, 1);
    client.reset();
    await eventually(givenUp, 1);
  },
);

test.each([
  ['http1', 'h2'],
  ['http2', 'http/1.1'],
  ['http2', undefined],
] as const)('an upstream for %s that chose %s by ALPN is not asked', async (version, alpn) => {
  const target = await startTarget();
  const tls: Peer['tls'] = { protocol: 'TLSv1.3', cipher: 'x', ...(alpn && { alpn }) };
  const [near, far] = linkPair({ first: { tls } });
  const client = startForwardBed({ target, version, dial: () => Promise.resolve(near) }).connect();
  const upstream = new RawPeer(far);
  client.send(get);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 502 Bad Gateway');
  expect(await upstream.waitForEnd()).toBe('reset');
  expect(upstream.inbox.size).toBe(0);
});

test('requests for one address never use a connection to another', async () => {
  const [one, two] = [await startTarget(), await startTarget()];
  const bed = startForwardBed({ target: one });
  const client = bed.connect();
  for (const target of [one, two]) {
    bed.leadTo(target);
    client.send(get);
    const upstream = await target.accept();
    await upstream.readHead();
    upstream.send(head('HTTP/1.1 204 No Content'));
    await client.readHead();
  }
  expect([one.accepted, two.accepted]).toEqual([1, 1]);
});

test('a connection that is not kept ends in good order, in memory too', async () => {
  const target = await startTarget();
  const [near, far] = linkPair();
  const dial: Dial = () => Promise.resolve(near);
  const client = startForwardBed({ target, dial, sessions: 'per-request' }).connect();
  client.send(get);
  const upstream = new RawPeer(far);
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 204 No Content'));
  await client.readHead();
  expect(await upstream.waitForEnd()).toBe('fin');
  upstream.fin();
  await eventually(() => near.stream.destroyed, true);
});
