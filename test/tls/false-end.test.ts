import { type TLSSocket, TLSSocket as ServerSocket } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { secure } from '../../src/tls/client.ts';
import { loadTls } from '../../src/tls/material/material.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { eventually } from '../support/eventually.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { makeTlsPair } from '../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const { certPem: cert, keyPem: key } = certs.server;

/** Our client over TCP, and a server whose TLS and whose socket end one by one. */
async function meet(options?: { reading: boolean }) {
  const { first, second } = await makeTcpPair();
  const server = new ServerSocket(second.stream as TLSSocket, { isServer: true, cert, key });
  server.on('error', () => {});
  const settings = await loadTls({ cacert: certs.ca.cert });
  const link = await secure(first, { host: 'localhost', settings, alpn: [] }, new AbortController().signal);
  const own = new RawPeer(link, options);
  own.send('question');
  await new Promise((resolve) => server.once('data', resolve));
  return { own, server, below: second };
}

describe.each([
  ['before our own end', async () => {}],
  [
    'after our own end',
    async ({ own, server }: Awaited<ReturnType<typeof meet>>) => {
      const seen = new Promise((resolve) => server.once('end', resolve));
      own.fin();
      await seen;
    },
  ],
])('over a TCP connection, %s', (_, prepare) => {
  test('a reset right behind the last bytes is a reset', async () => {
    const met = await meet();
    const { own, server, below } = met;
    await prepare(met);
    server.write('half of the answer', () => below.reset(new Error('cut')));
    expect(await own.waitForEnd()).toBe('reset');
    expect(own.stream.errored).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a reset right behind close_notify takes nothing back', async () => {
    const met = await meet();
    const { own, server, below } = met;
    await prepare(met);
    server.end('the answer', () => below.reset(new Error('cut')));
    expect((await own.readToEnd()).toString()).toBe('the answer');
  });

  // The documented exception: much software closes its socket and nothing else.
  test('a FIN without close_notify is an end', async () => {
    const met = await meet();
    const { own, server, below } = met;
    await prepare(met);
    server.write('the answer', () => below.stream.destroy());
    expect((await own.readToEnd()).toString()).toBe('the answer');
  });

  test('close_notify is an end also for a reader that was not reading', async () => {
    const met = await meet({ reading: false });
    const { own, server, below } = met;
    await prepare(met);
    // More than the reader's buffer takes, and less than comes at once: it stops reading before the end.
    const answer = Buffer.alloc(48 * 1024, 'a');
    server.end(answer, () => below.reset(new Error('cut')));
    await eventually(() => own.stream.readableLength > 0, true);
    own.stream.resume();
    expect(await own.readToEnd()).toEqual(answer);
  });
});

describe('the end of the stream below without close_notify is an error', () => {
  test.each([
    ['over a pair in memory', () => Promise.resolve(linkPair())],
    ['over TLS', async () => Object.values(await makeTlsPair(certs, await makeTcpPair()))],
  ])('%s', async (_, makeBelow) => {
    const [near, far] = await makeBelow();
    if (!near || !far) throw new Error('no pair');
    const { first, second } = await makeTlsPair(certs, { first: near, second: far });
    const own = new RawPeer(first);
    second.stream.write('half of it');
    expect((await own.read(10)).toString()).toBe('half of it');
    far.stream.end();
    expect(await own.waitForEnd()).toBe('reset');
    expect(first.stream.errored).toMatchObject({
      code: 'tunnel_truncated',
      message: 'the connection to localhost ended in the middle: TLS was not closed',
    });
  });
});
