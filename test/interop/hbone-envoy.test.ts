import { beforeAll, describe, expect, test } from 'vitest';
import type { IssuedCertificate } from '../support/certs/certs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { type Behaviour, refusedAddress, startTarget } from '../support/targets/plain.ts';
import { hasEnvoy, type EnvoyPart } from './parts/envoy.ts';
import { startHboneEncapsulator, startHboneTerminator } from './parts/envoy-hbone.ts';
import { startTunl, startTunlServe, tunl, type TunlPart } from './support/tunl.ts';
import { expectOwnBytes, openTunnel, startEcho } from './support/tunnels.ts';

const mesh = await makeMesh();
const root = mesh.certs.ca.cert;
const megabyte = Buffer.alloc(1_000_000, 'tunl');

/** A leaf of the mesh as Envoy takes it. */
const asEnvoy = ({ cert, key }: IssuedCertificate) => ({ cert, key, root, peerPrefix: 'spiffe://cluster.local/' });

/** Ends a connection that was only made to see whether somebody listens. */
const endIfUnused: Behaviour = (socket) => socket.once('end', () => void (socket.bytesRead === 0 && socket.end()));

/** Writes the URL of an Envoy as a hop, for a client with this leaf. */
function formatHop(port: number, { cert, key }: IssuedCertificate, peer: string): string {
  return `hbone://127.0.0.1:${port}?cert=${cert}&key=${key}&cacert=${root}&peer=${peer}`;
}

describe.skipIf(!hasEnvoy)('tunl forward through an Envoy that ends HBONE as a waypoint does', () => {
  let envoy: EnvoyPart;
  let cart: IssuedCertificate;

  beforeAll(async () => {
    cart = await mesh.issue(spiffeId('cart'));
    envoy = await startHboneTerminator(asEnvoy(await mesh.issue(spiffeId('waypoint'))));
    return envoy.stop;
  });

  const startForward = (port: number): Promise<TunlPart> =>
    startTunl([
      'forward',
      '--grace',
      '0',
      `:127.0.0.1:${port}`,
      '-x',
      formatHop(envoy.port, cart, spiffeId('waypoint')),
    ]);

  test('carries 201 tunnels at once, in as many sessions as its 100 streams need', async () => {
    const target = await startEcho();
    const forward = await startForward(target.port);
    await expectOwnBytes(forward.port, 201);
    expect(await envoy.readCounter('http.front.downstream_cx_http2_total')).toBe(3);
    await forward.stop();
  });

  test('brings the answer of a target to a client that has ended', async () => {
    const target = await startTarget();
    const forward = await startForward(target.port);
    const tunnel = await openTunnel(forward.port, target);
    tunnel.client.send(megabyte);
    tunnel.client.fin();
    expect((await tunnel.target.readToEnd()).equals(megabyte)).toBe(true);
    tunnel.target.send(megabyte);
    tunnel.target.fin();
    expect((await tunnel.client.readToEnd()).equals(megabyte)).toBe(true);
    await forward.stop();
  });

  test('lets tunnels finish when Envoy drains, and opens the next in a new session', async () => {
    const target = await startTarget();
    const forward = await startForward(target.port);
    const before = await envoy.readCounter('http.front.downstream_cx_http2_total');
    const first = await openTunnel(forward.port, target);
    await envoy.order('/drain_listeners?graceful&skip_exit');
    // Its GOAWAY goes with the next answer.
    const second = await openTunnel(forward.port, target);
    const third = await openTunnel(forward.port, target);
    expect((await envoy.readCounter('http.front.downstream_cx_http2_total')) - before).toBe(2);
    for (const { client, target: far } of [third, first, second]) {
      client.send('still here');
      client.fin();
      expect((await far.readToEnd()).toString()).toBe('still here');
      far.fin();
      await client.readToEnd();
    }
    await forward.stop();
  });

  test('says what its 503 means', async () => {
    const words = ['connect', '127.0.0.1', String(refusedAddress.port)];
    const { code, stderr } = await tunl([...words, '-x', formatHop(envoy.port, cart, spiffeId('waypoint'))]);
    expect([code, stderr]).toEqual([
      7,
      expect.stringMatching(/refused CONNECT 127\.0\.0\.1:1: 503 Service Unavailable\n[^]*service is unknown/),
    ]);
  });

  test('is refused with a certificate of another trust domain, and does not take one of another account', async () => {
    const stranger = await mesh.issue(spiffeId('cart', 'td2'));
    const peer = spiffeId('waypoint');
    const refused = await tunl(['connect', 'a:1', '-x', formatHop(envoy.port, stranger, peer)]);
    expect([refused.code, refused.stderr]).toEqual([
      35,
      expect.stringMatching(/refused the TLS connection: certificate/),
    ]);
    const wrong = await tunl(['connect', 'a:1', '-x', formatHop(envoy.port, cart, spiffeId('other'))]);
    expect([wrong.code, wrong.stderr]).toEqual([60, expect.stringMatching(/is not that of .*\/other\n.*\/waypoint/)]);
  });
});

describe.skipIf(!hasEnvoy)('an Envoy that opens HBONE tunnels to tunl serve', () => {
  const startServe = async (...options: string[]) => {
    const { cert, key } = await mesh.issue(spiffeId('gateway'));
    return startTunlServe(['--hbone', '--cert', cert, '--key', key, '--client-ca', root, ...options]);
  };
  const startFront = async (port: number, target: number, id = spiffeId('sidecar')) =>
    startHboneEncapsulator(asEnvoy(await mesh.issue(id)), port, `127.0.0.1:${target}`);

  test('carries 201 tunnels at once', async () => {
    const target = await startEcho();
    const serve = await startServe();
    const envoy = await startFront(serve.port, target.port);
    await expectOwnBytes(envoy.port, 201);
    await envoy.stop();
    await serve.stop();
  });

  test('passes both ends on, each after its last byte, and is recorded by its SPIFFE id', async () => {
    const target = await startTarget();
    const serve = await startServe();
    const envoy = await startFront(serve.port, target.port);
    for (const first of ['client', 'target'] as const) {
      const tunnel = await openTunnel(envoy.port, target);
      const second = first === 'client' ? 'target' : 'client';
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const) {
        tunnel[from].send(megabyte);
        tunnel[from].fin();
        expect((await tunnel[to].readToEnd()).equals(megabyte)).toBe(true);
      }
    }
    await serve.waitForLine(new RegExp(`${spiffeId('sidecar')} 127.0.0.1:${target.port} 200 closed: sent 1000004`));
    await envoy.stop();
    await serve.stop();
  });

  test('tells the application the client, its target and its SPIFFE id', async () => {
    const target = await startTarget();
    const serve = await startServe('--proxy-protocol', 'v2');
    const envoy = await startFront(serve.port, target.port);
    const client = await connectPeer(envoy.port);
    client.send('hello');
    client.fin();
    const peers = [await target.accept(), await target.accept()];
    const texts = await Promise.all(peers.map(async (peer) => (await peer.readToEnd()).toString('latin1')));
    expect(texts.find((text) => text.endsWith('hello'))).toContain(`${spiffeId('sidecar')}hello`);
    await envoy.stop();
    await serve.stop();
  });

  test('is cut off when it is of another trust domain', async () => {
    const target = await startEcho();
    const serve = await startServe();
    const envoy = await startFront(serve.port, target.port, spiffeId('sidecar', 'td2'));
    await serve.waitForLine(/the certificate of the client is not of our trust domain cluster.local/);
    await envoy.stop();
    await serve.stop();
  });

  test('lets its tunnels finish when tunl drains', async () => {
    const target = await startTarget(endIfUnused);
    const serve = await startServe();
    const envoy = await startFront(serve.port, target.port);
    const tunnel = await openTunnel(envoy.port, target);
    const stopping = serve.stop();
    await serve.waitForLine(/stopping; \d tunnels? may finish/);
    tunnel.client.send(megabyte);
    tunnel.client.fin();
    expect((await tunnel.target.readToEnd()).equals(megabyte)).toBe(true);
    tunnel.target.send(megabyte);
    tunnel.target.fin();
    expect((await tunnel.client.readToEnd()).equals(megabyte)).toBe(true);
    await stopping;
    await envoy.stop();
  });
});
