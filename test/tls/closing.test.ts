import { connect as connectTls, type TLSSocket, TLSSocket as ServerSocket } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { type Link, linkPair, resetError } from '../../src/core/link.ts';
import { secure } from '../../src/tls/client.ts';
import { loadTls } from '../../src/tls/material/material.ts';
import { createTlsServer } from '../../src/tls/server.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { eventually } from '../support/eventually.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { makeTlsPair } from '../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const never = new AbortController().signal;
const { certPem: cert, keyPem: key } = certs.server;

/**
 * Node takes a reset right behind the server's session tickets for an end: a round trip first, and it
 * arrives alone.
 */
async function exchange(ours: Link, foreign: RawPeer): Promise<RawPeer> {
  const own = new RawPeer(ours);
  own.send('ping');
  await foreign.readUntil('ping');
  foreign.send('pong');
  await own.readUntil('pong');
  return own;
}

/** Our client and a server that is Node's own. */
async function meetForeignServer() {
  const { first, second } = await makeTcpPair();
  const foreign = new ServerSocket(second.stream as TLSSocket, { isServer: true, cert, key });
  const settings = await loadTls({ cacert: certs.ca.cert });
  const ours = await secure(first, { host: 'localhost', settings, alpn: [] }, never);
  return { ours, foreign: new RawPeer({ stream: foreign, reset: second.reset }), below: second };
}

/** Our server and a client that is Node's own. */
async function meetForeignClient() {
  const { first, second } = await makeTcpPair();
  const acceptor = await createTlsServer({ cert: certs.server.cert, key: certs.server.key, alpn: [] });
  const accepting = acceptor.accept(second, never);
  const foreign = connectTls({ socket: first.stream, ca: certs.ca.certPem, servername: 'localhost' });
  return { ours: await accepting, foreign: new RawPeer({ stream: foreign, reset: first.reset }), below: first };
}

describe.each([
  ["Node's own server", meetForeignServer],
  ["Node's own client", meetForeignClient],
])('with %s', (_, meet) => {
  test('our end leaves its answer coming', async () => {
    const { ours, foreign } = await meet();
    const own = new RawPeer(ours);
    own.send('question');
    own.fin();
    expect((await foreign.readToEnd()).toString()).toBe('question');
    foreign.send('late answer');
    foreign.fin();
    expect((await own.readToEnd()).toString()).toBe('late answer');
    await eventually(() => [ours.stream.closed, foreign.stream.closed], [true, true]);
  });

  test('its end leaves our answer going', async () => {
    const { ours, foreign } = await meet();
    const own = new RawPeer(ours);
    foreign.fin();
    expect(await own.readToEnd()).toHaveLength(0);
    own.send('late answer');
    own.fin();
    expect((await foreign.readToEnd()).toString()).toBe('late answer');
  });

  test.each([
    ['a reset of the Link', (ours: Link) => ours.reset(resetError('no more'))],
    ['an error of the stream', (ours: Link) => void ours.stream.destroy(resetError('no more'))],
  ])('%s is ECONNRESET there', async (__, cut) => {
    const { ours, foreign } = await meet();
    await exchange(ours, foreign);
    const errors: unknown[] = [];
    foreign.stream.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code));
    cut(ours);
    expect(await foreign.waitForEnd()).toBe('reset');
    expect(errors).toEqual(['ECONNRESET']);
    await eventually(() => [ours.stream.closed, foreign.stream.closed], [true, true]);
  });

  test('its reset is ECONNRESET here', async () => {
    const { ours, foreign } = await meet();
    const own = await exchange(ours, foreign);
    foreign.reset();
    expect(await own.waitForEnd()).toBe('reset');
    expect(ours.stream.errored).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a damaged record is an error here, and closes the connection there', async () => {
    const { ours, foreign, below } = await meet();
    const own = await exchange(ours, foreign);
    // Past the foreign TLS: no record that it could have written.
    below.stream.write(Buffer.concat([Buffer.from('1703030040', 'hex'), Buffer.alloc(64)]));
    expect(await own.waitForEnd()).toBe('reset');
    expect(ours.stream.destroyed).toBe(true);
    await foreign.waitForEnd();
  });
});

test('a clean end on both sides is a clean end of the stream below, however late its FIN comes', async () => {
  const [near, far] = linkPair();
  const [a, b] = linkPair();
  // Between the two ends, so that the order of what passes can be chosen.
  far.stream.pipe(a.stream, { end: false });
  a.stream.pipe(far.stream);
  const { first, second } = await makeTlsPair(certs, { first: near, second: b });
  const [own, other] = [new RawPeer(first), new RawPeer(second)];
  own.fin();
  other.fin();
  expect(await own.waitForEnd()).toBe('fin');
  await eventually(() => first.stream.closed, true);
  far.stream.once('end', () => a.stream.end());
  await eventually(() => [near.stream.closed, far.stream.closed, second.stream.closed], [true, true, true]);
  expect([near, far, a, b].map(({ stream }) => stream.errored)).toEqual([null, null, null, null]);
});

test('a stream below that never ends is reset after a while', async () => {
  const [near, far] = linkPair();
  const [a, b] = linkPair();
  far.stream.pipe(a.stream);
  a.stream.pipe(far.stream, { end: false });
  const { first, second } = await makeTlsPair(certs, { first: near, second: b });
  new RawPeer(first).fin();
  new RawPeer(second).fin();
  await eventually(
    () => [near.stream.destroyed, near.stream.errored?.message],
    [true, 'the connection below was not ended'],
  );
});
