import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { TunlError } from '../../../src/core/errors.ts';
import type { TlsSettings } from '../../../src/core/hop.ts';
import { pinOf } from '../../../src/tls/certificate/pin.ts';
import { X509Certificate } from 'node:crypto';
import { type CertificateRequest, type IssuedCertificate, makeCerts } from '../../support/certs/certs.ts';
import { makeTcpPair } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { tryTls } from '../../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const cacert = certs.ca.cert;

interface Case {
  readonly shows: IssuedCertificate;
  readonly client?: TlsSettings;
  readonly host?: string;
}

const pinFor = ({ certPem }: IssuedCertificate) => pinOf(new X509Certificate(certPem));

async function connectTo({ shows, client = { cacert }, host = 'localhost' }: Case) {
  const below = await makeTcpPair();
  const outcome = await tryTls(certs, below, { server: { cert: shows.cert, key: shows.key }, client, host });
  return { below, ...outcome };
}

/** The refusal of a server, and the proof that it got nothing from us but the handshake and a reset. */
async function refuse(attempt: Case): Promise<TunlError> {
  const { client, server, below } = await connectTo(attempt);
  if (client.status === 'fulfilled') throw new Error('it was trusted');
  expect(below.first.stream.destroyed).toBe(true);
  // In TLS 1.3 the server may have finished before it hears of the refusal.
  if (server.status === 'fulfilled') {
    const peer = new RawPeer(server.value);
    expect(await peer.waitForEnd()).toBe('reset');
    expect(peer.inbox.size).toBe(0);
  }
  return client.reason as TunlError;
}

async function accept(attempt: Case) {
  const { client, server } = await connectTo(attempt);
  if (client.status === 'rejected') throw client.reason;
  if (server.status === 'rejected') throw server.reason;
  return client.value;
}

describe('a server is refused, in words', () => {
  const authority =
    /^the certificate of localhost comes from an authority that is not trusted \(CN=another authority\)$/;

  test.each<[string, () => Case | Promise<Case>, RegExp]>([
    [
      'when its certificate is for other names',
      () => ({ shows: certs.wrongName }),
      /^the certificate of localhost is for other names: other\.example, \*\.wild\.example, 192\.0\.2\.7$/,
    ],
    ['when its authority is unknown', async () => ({ shows: await issueLocal({ issuer: certs.otherCa }) }), authority],
    [
      'when it is self-signed',
      async () => ({ shows: await issueLocal({ issuer: 'self' }) }),
      /^the certificate of localhost is self-signed$/,
    ],
    [
      'when it has expired',
      () => ({ shows: certs.expired }),
      /^the certificate of localhost has expired \(\d{4}-\d\d-\d\d\)$/,
    ],
    [
      'when it is not yet valid',
      () => ({ shows: certs.notYetValid }),
      /^the certificate of localhost is not yet valid \(\d{4}-\d\d-\d\d\)$/,
    ],
    [
      'when it is for clients only',
      async () => ({ shows: await issueLocal({ eku: ['client'] }) }),
      /^the certificate of localhost is not made for this use/,
    ],
    [
      'when another address was dialled',
      () => ({ shows: certs.server, host: '127.0.0.2' }),
      /^the certificate of 127\.0\.0\.2 is for other names: localhost, 127\.0\.0\.1/,
    ],
    [
      'when the name is two labels below a wildcard',
      () => ({ shows: certs.wrongName, host: 'a.b.wild.example' }),
      /is for other names/,
    ],
    [
      'when the name is the wildcard itself',
      () => ({ shows: certs.wrongName, host: 'wild.example' }),
      /is for other names/,
    ],
    [
      'when the name has a dot that is none',
      () => ({ shows: certs.wrongName, host: 'a。wild.example' }),
      /is for other names/,
    ],
    [
      'when a name was given that it is not for',
      () => ({ shows: certs.server, client: { cacert, servername: 'other.example' } }),
      /^the certificate of other\.example is for other names: localhost/,
    ],
    [
      'by the built-in authorities',
      () => ({ shows: certs.server, client: {} }),
      /comes from an authority that is not trusted \(CN=tunl test authority\)$/,
    ],
  ])('%s', async (_, make, message) => {
    const error = await refuse(await make());
    expect(error.message).toMatch(message);
    expect([error.code, error.phase]).toEqual(['tls_certificate_error', 'tls']);
    expect(error.facts.side).toBeUndefined();
  });

  test('and told what would make it trusted', async () => {
    const { facts } = await refuse({ shows: certs.wrongName });
    expect(facts.hints).toEqual([
      'if one of them is right, name it: servername=NAME',
      `to accept exactly this certificate: pin=${pinFor(certs.wrongName)}`,
    ]);
    const unknown = await refuse({ shows: await issueLocal({ issuer: certs.otherCa }) });
    expect(unknown.facts.hints?.[0]).toBe('to trust its authority: cacert=FILE');
  });

  test('when it does not have the pinned key, whoever vouches for it', async () => {
    const error = await refuse({ shows: certs.server, client: { cacert, pin: pinFor(certs.client) } });
    expect(error.message).toBe('the certificate of localhost does not have the pinned key');
    expect(error.facts.hints).toEqual([
      `pinned: ${pinFor(certs.client)}`,
      `seen: ${pinFor(certs.server)} (CN=localhost)`,
    ]);
  });

  test('when it does not have the pinned key, even if anything goes', async () => {
    const error = await refuse({ shows: certs.server, client: { insecure: true, pin: pinFor(certs.client) } });
    expect(error.message).toBe('the certificate of localhost does not have the pinned key');
  });
});

describe('a server is trusted', () => {
  test.each<[string, () => Case]>([
    ['by its name', () => ({ shows: certs.server })],
    ['by its IPv4 address', () => ({ shows: certs.server, host: '127.0.0.1' })],
    ['by its IPv6 address', () => ({ shows: certs.server, host: '::1' })],
    ['by a wildcard, in any case', () => ({ shows: certs.wrongName, host: 'A.Wild.Example' })],
    ['by the name that was given', () => ({ shows: certs.wrongName, client: { cacert, servername: 'other.example' } })],
    ['by the address that was given', () => ({ shows: certs.wrongName, client: { cacert, servername: '192.0.2.7' } })],
    ['by its pin alone', () => ({ shows: certs.expired, client: { pin: pinFor(certs.expired) }, host: 'any.example' })],
    [
      'by one of several pins',
      () => ({ shows: certs.expired, client: { pin: `${pinFor(certs.client)};${pinFor(certs.expired)}` } }),
    ],
    ['by its own certificate', () => ({ shows: certs.server, client: { cacert: certs.server.cert } })],
    [
      'blindly, when that was asked for',
      () => ({ shows: certs.expired, client: { insecure: true }, host: 'any.example' }),
    ],
  ])('%s', async (_, make) => {
    const { peer } = await accept(make());
    expect(peer.tls).toMatchObject({ protocol: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_AES_/) });
  });

  test('by a chain through an authority in between', async () => {
    const between = await certs.issue({ cn: 'in between', authority: true });
    const leaf = await certs.issue({ cn: 'localhost', dns: ['localhost'], issuer: between });
    const chain = { ...leaf, cert: certs.write('chain.pem', leaf.certPem + between.certPem) };
    expect((await accept({ shows: chain })).peer.tls?.subject).toBe('CN=localhost');
    expect((await accept({ shows: leaf, client: { cacert: between.cert } })).peer.tls?.subject).toBe('CN=localhost');
    expect((await refuse({ shows: leaf })).code).toBe('tls_certificate_error');
  });
});

describe('with NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  afterEach(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  });

  test.each<[string, () => Case | Promise<Case>]>([
    ['an unknown authority', async () => ({ shows: await issueLocal({ issuer: certs.otherCa }) })],
    ['a wrong name', () => ({ shows: certs.wrongName })],
    ['an expired certificate', () => ({ shows: certs.expired })],
  ])('%s is refused all the same', async (_, make) => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    expect((await refuse(await make())).code).toBe('tls_certificate_error');
  });
});

function issueLocal(request: CertificateRequest): Promise<IssuedCertificate> {
  return certs.issue({ cn: 'localhost', dns: ['localhost'], ...request });
}
