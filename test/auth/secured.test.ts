import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { serverEndPoint } from '../../src/auth/model/channel-binding.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { resetError } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { alice, Asked, type Manner } from '../support/peers/asking-proxy.ts';
import { flags } from '../support/peers/h2-frames.ts';
import { acceptHttp2, type Http2Peer } from '../support/peers/h2-peer.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startTlsProxy } from '../support/peers/tls-proxy.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

let certs: Certs;
beforeAll(async () => void (certs = await makeCerts()));
afterAll(() => certs.remove());

const credentials = () => ({ user: 'CORP\\alice', password: new Secret(alice.password) });

function toHop(scheme: string, port: number, more: Partial<Hop> = {}): Hop {
  return makeHop(scheme, port, { credentials: credentials(), settings: { auth: 'auto' }, ...more });
}

/** Starts an asking proxy that speaks HTTP/1.1 in TLS. */
async function startSecured(manner: Manner, { certPem, keyPem } = certs.server) {
  const asked = new Asked(manner);
  const server: Server = createServer({ cert: certPem, key: keyPem, ALPNProtocols: ['http/1.1'] }, (socket) =>
    asked.serve(socket),
  );
  server.on('connection', (socket) => onTestFinished(() => void socket.destroy()));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { asked, port: typeof address === 'object' && address ? address.port : 0 };
}

async function pass(hop: Hop): Promise<string> {
  const { address } = await startTarget(echo);
  const route = await makeRoute([hop]);
  const link = await route.dial(address, makeContext(address));
  const client = new RawPeer(link);
  client.send('hello');
  const answer = await client.readUntil('hello');
  link.reset(resetError('the test is over'));
  return answer;
}

describe('NTLM over TLS', () => {
  const derOf = () => new Uint8Array(new X509Certificate(certs.server.certPem).raw);

  test('is bound to the certificate of the proxy', async () => {
    const { asked, port } = await startSecured({
      challenges: ['NTLM'],
      account: { ...alice, certificate: derOf() },
    });
    expect(await pass(toHop('https', port, { tls: { cacert: certs.ca.cert } }))).toBe('hello');
    expect(asked.requests.map(({ scheme }) => scheme)).toEqual(['none', 'NTLM', 'NTLM']);
  });

  test('does not pass where another certificate was shown', async () => {
    const { asked, port } = await startSecured({
      challenges: ['NTLM'],
      account: { ...alice, certificate: new X509Certificate(certs.ca.certPem).raw },
    });
    await expect(pass(toHop('https', port, { tls: { cacert: certs.ca.cert } }))).rejects.toThrow('407');
    expect(asked.refused).toBe(1);
  });
});

describe('a channel binding', () => {
  test('is the hash of the certificate, by the hash of its signature', () => {
    const { raw } = new X509Certificate(certs.server.certPem);
    const binding = serverEndPoint(raw);
    expect(binding?.toString('latin1', 0, 21)).toBe('tls-server-end-point:');
    expect(binding).toHaveLength(21 + 32);
  });

  test.each([
    ['sha1WithRSAEncryption', '300d06092a864886f70d0101050500', 32],
    ['sha384WithRSAEncryption', '300d06092a864886f70d01010c0500', 48],
    ['ecdsa-with-SHA512', '300a06082a8648ce3d040304', 64],
    ['Ed25519', '300506032b6570', undefined],
  ])('of a certificate signed with %s has its length', (_, algorithm, bytes) => {
    const content = Buffer.concat([
      Buffer.from('3000', 'hex'),
      Buffer.from(algorithm, 'hex'),
      Buffer.from('030100', 'hex'),
    ]);
    const certificate = Buffer.concat([Buffer.from([0x30, content.length]), content]);
    expect(serverEndPoint(certificate)?.length).toBe(bytes === undefined ? undefined : 21 + bytes);
  });

  test('of RSASSA-PSS is by the hash in its parameters', () => {
    const hash = Buffer.from('a00f300d06096086480165030402020500', 'hex');
    const parameters = Buffer.concat([Buffer.from([0x30, hash.length]), hash]);
    const oid = Buffer.from('06092a864886f70d01010a', 'hex');
    const algorithm = Buffer.concat([Buffer.from([0x30, oid.length + parameters.length]), oid, parameters]);
    const content = Buffer.concat([Buffer.from('3000', 'hex'), algorithm]);
    expect(serverEndPoint(Buffer.concat([Buffer.from([0x30, content.length]), content]))).toHaveLength(21 + 48);
  });

  test('of bytes that are no certificate is none', () => {
    for (const hex of ['', '30', '3080', '30ff', '3003020100', '308500000000ff', '0000']) {
      expect(serverEndPoint(Buffer.from(hex, 'hex'))).toBeUndefined();
    }
  });
});

describe('a proxy over HTTP/2', () => {
  const refusal = flags.endHeaders | flags.endStream;
  const ask = (peer: Http2Peer, stream: number, challenge: string) =>
    peer.answer(stream, 407, [['proxy-authenticate', challenge]], refusal);

  test('is answered by Basic in the same session', async () => {
    const proxy = await startTarget();
    const { address } = await startTarget(echo);
    const route = await makeRoute([toHop('h2c', proxy.port)]);
    const opening = route.dial(address, makeContext(address));
    const peer = await acceptHttp2(proxy);
    ask(peer, await peer.nextRequest(), 'Basic realm="x"');
    peer.answer(await peer.nextRequest(), 200);
    (await opening).reset(resetError('the test is over'));
    expect(proxy.accepted).toBe(1);
  });

  test('that is ours lets us in once it has asked', async () => {
    const { user, password } = alice;
    const serve = await startTestServe({ users: { single: { user, password } } });
    expect(await pass(toHop('h2c', serve.port, { credentials: { user, password: new Secret(password) } }))).toBe(
      'hello',
    );
    expect(serve.eventsOf('tunnel.failed')).toHaveLength(1);
  });

  test('that wants NTLM is asked in HTTP/1.1 from then on', async () => {
    const proxy = await startTlsProxy();
    const { address } = await startTarget(echo);
    const route = await makeRoute([toHop('https', proxy.port, { tls: { pin: proxy.pin } })]);
    const opening = route.dial(address, makeContext(address));
    opening.catch(() => {});
    const peer = await proxy.acceptHttp2();
    ask(peer, await peer.nextRequest(), 'NTLM');
    const older = await proxy.accept();
    expect(await older.readHead()).not.toMatch(/authorization/i);
    older.send('HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n');
    expect(await older.readHead()).toMatch(/Proxy-Authorization: NTLM [^\r]+\r\nProxy-Connection: keep-alive/);
    older.send('HTTP/1.1 200 OK\r\n\r\n');
    (await opening).reset(resetError('the test is over'));
    expect(proxy.agreed).toEqual(['h2', 'http/1.1']);
  });

  test('that wants NTLM and may not be asked in HTTP/1.1 says so', async () => {
    const proxy = await startTarget();
    const { address } = await startTarget(echo);
    const route = await makeRoute([toHop('h2c', proxy.port)]);
    const opening = route.dial(address, makeContext(address)).catch((error: unknown) => error);
    const peer = await acceptHttp2(proxy);
    ask(peer, await peer.nextRequest(), 'NTLM');
    const error = await opening;
    const hint = 'NTLM: it needs HTTP/1.1; write https:// or http://';
    expect(error instanceof TunlError && error.facts.hints).toContain(hint);
  });
});
