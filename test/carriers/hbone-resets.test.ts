import { constants, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Link, resetError } from '../../src/core/link.ts';
import { relay } from '../../src/relay/relay.ts';
import { makeHop, makeRoute } from '../support/harness/app.ts';
import { drain } from '../support/bulk.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { type Arrival, startHbonePeer } from '../support/peers/hbone-peers.ts';
import { makeContext, makeTcpPair } from '../support/harness/link-pairs.ts';
import { makeMesh } from '../support/certs/mesh.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

const mesh = await makeMesh();
const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const { NGHTTP2_NO_ERROR: NO_ERROR, NGHTTP2_CANCEL: CANCEL, NGHTTP2_CONNECT_ERROR: CONNECT_ERROR } = constants;

type Act = (stream: Arrival['stream']) => void;

/** Opens a tunnel to an endpoint that answers 200 and then does what the test says. */
async function openTo(scheme: 'hbone' | 'h2c', act: Act): Promise<Link> {
  const port = await (scheme === 'hbone' ? startHbone(act) : startCleartext(act));
  const route = await makeRoute([makeHop(scheme, port, scheme === 'hbone' ? { tls: mesh.hopTls() } : {})]);
  const link = await route.dial(target, makeContext(target));
  onTestFinished(() => link.reset(resetError('the test is over')));
  return link;
}

function accept(stream: Arrival['stream'], act: Act): void {
  stream.on('error', () => {}).on('wantTrailers', () => stream.sendTrailers({}));
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.resume();
  act(stream);
}

async function startHbone(act: Act): Promise<number> {
  return (await startHbonePeer(mesh, ({ stream }) => accept(stream, act))).port;
}

async function startCleartext(act: Act): Promise<number> {
  const server = createServer().on('stream', (stream) => accept(stream, act));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** The endpoint writes and then resets, once what it wrote is out. */
const writeAndClose =
  (bytes: number, code: number): Act =>
  (stream) =>
    void stream.write(Buffer.alloc(bytes), () => setImmediate(() => stream.close(code)));

describe.each([
  ['NO_ERROR', NO_ERROR],
  ['CANCEL', CANCEL],
])('RST_STREAM(%s)', (_, code) => {
  test('is an end over HBONE', async () => {
    const link = await openTo('hbone', writeAndClose(1000, code));
    expect((await new RawPeer(link).readToEnd()).length).toBe(1000);
  });

  test('is a reset over HTTP/2', async () => {
    const link = await openTo('h2c', writeAndClose(1000, code));
    expect(await new RawPeer(link).waitForEnd()).toBe('reset');
  });

  test('keeps what nobody had read yet', async () => {
    let onRead = () => {};
    const isRead = new Promise<void>((resolve) => (onRead = resolve));
    const link = await openTo('hbone', (stream) => {
      const { session } = stream;
      stream.once('close', () => session?.ping(onRead));
      writeAndClose(200_000, code)(stream);
    });
    await inTime('the answer to PING, behind the reset', isRead);
    expect((await drain(link.stream)).length).toBeGreaterThan(0);
    expect(link.stream.readableEnded).toBe(true);
  });

  test('after END_STREAM is an end over HBONE', async () => {
    const link = await openTo('hbone', (stream) => {
      stream.end('bye');
      setImmediate(() => stream.close(code));
    });
    const peer = new RawPeer(link);
    expect((await peer.readToEnd()).toString()).toBe('bye');
    await eventually(() => link.stream.destroyed, true);
    expect(link.stream.errored).toBeNull();
  });

  test('goes on as an end to a client that says nothing more, and as a reset to one that goes on sending', async () => {
    const upstream = await openTo('hbone', writeAndClose(1000, code));
    const { first, second } = await makeTcpPair();
    const client = new RawPeer(second);
    const handle = relay(first, upstream, { idleMs: 0, lingerMs: 4000 });
    expect((await client.readToEnd()).length).toBe(1000);
    client.send('anybody there?');
    expect(await inTime('the end of the tunnel', handle.done)).toMatchObject({ end: 'reset', side: 'target' });
    // A client that has read to the end learns of the reset only when it writes.
    await eventually(() => {
      client.send('?');
      return client.stream.destroyed;
    }, true);
  });

  test('is clean where the client ends too', async () => {
    const upstream = await openTo('hbone', writeAndClose(1000, code));
    const { first, second } = await makeTcpPair();
    const client = new RawPeer(second);
    const handle = relay(first, upstream, { idleMs: 0, lingerMs: 4000 });
    await client.readToEnd();
    client.fin();
    expect(await inTime('the end of the tunnel', handle.done)).toMatchObject({ end: 'clean' });
  });
});

test.each(['hbone', 'h2c'] as const)('RST_STREAM(CONNECT_ERROR) is a reset over %s', async (scheme) => {
  const link = await openTo(scheme, writeAndClose(1000, CONNECT_ERROR));
  expect(await new RawPeer(link).waitForEnd()).toBe('reset');
});

test('our own reset is RST_STREAM(CONNECT_ERROR)', async () => {
  const streams: Arrival['stream'][] = [];
  const link = await openTo('hbone', (stream) => void streams.push(stream));
  link.reset(resetError('cut'));
  await eventually(() => streams[0]?.rstCode, CONNECT_ERROR);
});
