import { describe, expect, test } from 'vitest';
import { exitOf, TunlError } from '../../src/core/errors.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import type { CertificateRequest, IssuedCertificate } from '../support/certs/certs.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { connectTlsPeer } from '../support/peers/hbone-peers.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

const mesh = await makeMesh();
const hourMs = 3_600_000;

/** The names of a leaf, and the fields in which it differs from a good one. */
type Leaf = Partial<CertificateRequest> & { readonly uris: readonly string[] };

const issue = ({ uris, ...more }: Leaf) => mesh.issue(uris, more);
const expired = { notBefore: new Date(Date.now() - 48 * hourMs), notAfter: new Date(Date.now() - 24 * hourMs) };
const { otherCa } = mesh.certs;

/** Dials an echo through a server with one leaf, as a client with another. */
async function dial(leaves: { server?: IssuedCertificate; client?: IssuedCertificate; peer?: string }) {
  const target = await startTarget(echo);
  const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls(leaves.server) });
  const settings = leaves.peer === undefined ? {} : { peer: leaves.peer };
  const route = await makeRoute([makeHop('hbone', app.port, { tls: mesh.hopTls(leaves.client), settings })]);
  const outcome: unknown = await route.dial(target.address, makeContext(target.address)).then(
    (link) => {
      link.stream.destroy();
      return 'opened';
    },
    (reason: unknown) => reason,
  );
  return { outcome, app, target };
}

describe('a server is known by its SPIFFE id', () => {
  test.each<[string, Leaf, string | undefined]>([
    ['of our trust domain', { uris: [spiffeId('anybody')] }, undefined],
    ['exactly the one that was asked for', { uris: [spiffeId('gateway')] }, spiffeId('gateway')],
    ['asked for, though of another trust domain', { uris: [spiffeId('gw', 'td2')] }, spiffeId('gw', 'td2')],
    ['one of several', { uris: ['https://a.example/', spiffeId('x', 'td2'), spiffeId('gateway')] }, undefined],
  ])('%s', async (_, leaf, peer) => {
    // The server judges us by its own trust domain, which is that of its first id.
    const client = await issue({ uris: [spiffeId('cart'), ...leaf.uris.filter((uri) => uri.startsWith('spiffe:'))] });
    const { outcome } = await dial({ server: await issue(leaf), client, ...(peer !== undefined && { peer }) });
    expect(outcome).toBe('opened');
  });

  test.each<[string, Leaf, string | undefined, RegExp, RegExp?]>([
    [
      'from another root',
      { uris: [spiffeId('gateway')], issuer: otherCa },
      undefined,
      /an authority that is not trusted/,
    ],
    ['that has expired', { uris: [spiffeId('gateway')], ...expired }, undefined, /has expired \(\d{4}-\d\d-\d\d\)$/],
    [
      'of another trust domain',
      { uris: [spiffeId('gateway', 'td2')] },
      undefined,
      /not of our trust domain cluster.local$/,
      /spiffe:\/\/td2\/ns\/shop\/sa\/gateway/,
    ],
    [
      'of another account',
      { uris: [spiffeId('gateway')] },
      spiffeId('other'),
      /is not that of spiffe:\/\/cluster.local\/ns\/shop\/sa\/other$/,
      /sa\/gateway/,
    ],
    ['made for clients only', { uris: [spiffeId('gateway')], eku: ['client'] }, undefined, /not made for this use/],
  ])('and refused %s', async (_, leaf, peer, message, hint) => {
    const { outcome, target } = await dial({ server: await issue(leaf), ...(peer !== undefined && { peer }) });
    if (!(outcome instanceof TunlError)) throw new Error(`it was ${String(outcome)}`);
    expect([outcome.code, exitOf(outcome), outcome.phase]).toEqual(['tls_certificate_error', 60, 'tls']);
    expect(outcome.message).toMatch(message);
    expect(outcome.facts.hints?.join('\n') ?? '').not.toMatch(/pin=|servername=/);
    if (hint) expect(outcome.facts.hints?.join('\n')).toMatch(hint);
    expect(target.accepted).toBe(0);
  });
});

describe('a client is refused before any HTTP', () => {
  test.each<[string, Leaf, RegExp]>([
    ['from another root', { uris: [spiffeId('cart')], issuer: otherCa }, /an authority that is not trusted/],
    ['with a leaf that has expired', { uris: [spiffeId('cart')], ...expired }, /has expired/],
    [
      'of another trust domain',
      { uris: [spiffeId('cart', 'td2')] },
      /^the certificate of the client is not of our trust domain cluster.local$/,
    ],
    ['without a SPIFFE id', { uris: [], cn: 'cart' }, /holds no SPIFFE id$/],
    ['with an id of another form', { uris: ['spiffe://cluster.local/cart'] }, /holds no SPIFFE id$/],
    ['made for servers only', { uris: [spiffeId('cart')], eku: ['server'] }, /not made for this use/],
  ])('%s', async (_, leaf, message) => {
    const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
    const { certPem, keyPem } = await issue(leaf);
    const socket = await connectTlsPeer(mesh, app.port, { cert: certPem, key: keyPem });
    let received = 0;
    socket.on('data', ({ length }: Buffer) => (received += length)).on('end', () => socket.end());
    await eventually(() => app.eventsOf('tunnel.failed').length, 1);
    await eventually(() => socket.destroyed, true);
    expect(received).toBe(0);
    const [event] = app.eventsOf('tunnel.failed');
    expect(event).toMatchObject({ target: '-', error: { code: 'tls_certificate_error' } });
    expect(event?.error.side).toBe('client');
    expect(event).not.toHaveProperty('status');
    expect(event?.error.message).toMatch(message);
  });

  test.each([
    ['without a certificate', { cert: undefined, key: undefined }, /_ALERT_CERTIFICATE_REQUIRED$/],
    ['that speaks TLS 1.2 at most', { maxVersion: 'TLSv1.2' }, /_ALERT_PROTOCOL_VERSION$/],
    ['that speaks ChaCha20 only', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }, /_ALERT_HANDSHAKE_FAILURE$/],
    ['that offers HTTP/1.1 only', { ALPNProtocols: ['http/1.1'] }, /_ALERT_NO_APPLICATION_PROTOCOL$/],
  ] as const)('%s', async (_, options, code) => {
    const app = await startTestServe({ accept: ['hbone'], tls: mesh.serverTls() });
    const failed = async () => {
      const socket = await connectTlsPeer(mesh, app.port, { ...options } as object);
      // TLS 1.3 has told the client that all is well before the server has seen its certificate.
      return new Promise((_resolve, reject) => void socket.once('error', reject));
    };
    // The names before the alert's are those of OpenSSL's version.
    await expect(inTime('the alert', failed())).rejects.toMatchObject({ code: expect.stringMatching(code) });
    await eventually(() => app.eventsOf('tunnel.failed').map(({ error }) => error.phase), ['tls']);
  });
});

test('a client that is refused after its handshake is told what may be wrong', async () => {
  const { outcome } = await dial({
    client: await issue({ uris: [spiffeId('cart', 'td2')] }),
    peer: spiffeId('gateway'),
  });
  if (!(outcome instanceof TunlError)) throw new Error(`it was ${String(outcome)}`);
  expect([outcome.side, exitOf(outcome)]).toEqual(['hop', 97]);
  expect(outcome.message).toMatch(/closed the connection before its HTTP\/2 settings$/);
  expect(outcome.facts.hints?.join()).toMatch(/our certificate/);
});

describe('a server is not started', () => {
  const { cert, key, clientCa } = mesh.serverTls();

  test.each([
    ['without TLS settings', {}, /^--cert and --key are needed/],
    ['without authorities of its clients', { cert, key }, /^--client-ca is needed/],
    ['with a certificate that has no SPIFFE id', { ...filesOf(mesh.certs.server), clientCa }, /holds no SPIFFE id$/],
  ])('%s', async (_, tls, message) => {
    await expect(startTestServe({ accept: ['hbone'], tls })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
  });

  test('with users, or with another carrier on its port, or with a switch of another', async () => {
    const users = { single: { user: 'u', password: 'p' } };
    const tls = mesh.serverTls();
    await expect(startTestServe({ accept: ['hbone'], tls, users })).rejects.toMatchObject({ code: 'usage' });
    await expect(startTestServe({ accept: ['hbone', 'post'], tls })).rejects.toMatchObject({ code: 'usage' });
    await expect(startTestServe({ accept: ['hbone-local'] })).rejects.toMatchObject({ code: 'usage' });
  });
});

function filesOf({ cert, key }: IssuedCertificate) {
  return { cert, key };
}
