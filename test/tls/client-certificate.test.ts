import { createSecureContext } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import type { Link } from '../../src/core/link.ts';
import { secure } from '../../src/tls/client.ts';
import { loadTls } from '../../src/tls/material/material.ts';
import { createTlsServer } from '../../src/tls/server.ts';
import { type CertificateRequest, type IssuedCertificate, makeCerts } from '../support/certs/certs.ts';
import { inTime } from '../support/eventually.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { makeTlsPair, type TlsPairOptions, tryTls } from '../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const cacert = certs.ca.cert;
const server = { clientCa: cacert };
const never = new AbortController().signal;

/** Lets our server refuse a client with this certificate; returns the server's error, and the client's. */
async function refuse(maxVersion: 'TLSv1.2' | 'TLSv1.3', own?: IssuedCertificate) {
  const { first, second } = await makeTcpPair();
  const { cert, key } = certs.server;
  const acceptor = await createTlsServer({ cert, key, alpn: [], ...server });
  const shown = own && { cert: own.certPem, key: own.keyPem };
  const context = createSecureContext({ maxVersion, ca: certs.ca.certPem, ...shown });
  const loaded = await loadTls({ cacert });
  const settings = { ...loaded, ready: async () => ({ ...(await loaded.ready()), context }) };
  const [refusal, seen] = await Promise.all([
    acceptor.accept(second, never).then(
      () => Promise.reject(new Error('it was let in')),
      (error: TunlError) => error,
    ),
    // In TLS 1.3 the handshake is over for the client before the server has looked.
    secure(first, { host: 'localhost', settings, alpn: [] }, never).then(readError, (error: TunlError) => error),
  ]);
  expect(second.stream.destroyed).toBe(true);
  return { refusal, seen };
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('where a client certificate is asked for, over %s', (version) => {
  test.each<[string, () => IssuedCertificate | Promise<IssuedCertificate>, RegExp]>([
    ['an expired one', () => certs.expired, /^the certificate of the client has expired \(\d{4}-\d\d-\d\d\)$/],
    ['one that is not yet valid', () => certs.notYetValid, /is not yet valid/],
    ['a self-signed one', () => certs.issue({ cn: 'alice', issuer: 'self' }), /is self-signed$/],
    ['one of another authority', () => certs.issue({ cn: 'alice', issuer: certs.otherCa }), /is not trusted/],
    ['one for servers only', () => certs.issue({ cn: 'alice', eku: ['server'] }), /not made for this use/],
  ])('%s is refused with a reset', async (_, issue, message) => {
    const { refusal, seen } = await refuse(version, await issue());
    expect(refusal.message).toMatch(message);
    expect([refusal.code, refusal.side, refusal.phase]).toEqual(['tls_certificate_error', 'client', 'tls']);
    expect(seen.code).toMatch(/^(ECONNRESET|tls_protocol_error)$/);
  });

  test('none is refused with an alert, and our client told to bring one', async () => {
    const { refusal, seen } = await refuse(version);
    expect([refusal.code, refusal.side]).toEqual(['tls_protocol_error', 'client']);
    if (!(seen instanceof TunlError)) throw seen;
    expect([seen.code, seen.phase]).toEqual(['tls_alert_received', 'tls']);
    expect(seen.message).toMatch(/^localhost refused the TLS connection: (certificate required|handshake failure)$/);
    expect(seen.facts.hints?.[0]).toContain('client certificate: cert=FILE&key=FILE');
  });
});

test.each<[string, Parameters<typeof certs.issue>[0], string]>([
  ['its common name', { cn: 'alice', eku: ['client'] }, 'alice'],
  ['its SPIFFE id', { uris: ['spiffe://cluster.local/ns/a/sa/b'] }, 'spiffe://cluster.local/ns/a/sa/b'],
])('a client is known to the server by %s', async (_, request, identity) => {
  const { cert, key } = await certs.issue(request);
  const { first, second } = await makeTlsPair(certs, await makeTcpPair(), { server, client: { cacert, cert, key } });
  expect([first.peer.identity, second.peer.identity]).toEqual([undefined, identity]);
  expect(second.peer.address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
});

test('a client is nobody where no certificate is asked for, whatever it has', async () => {
  const { cert, key } = certs.client;
  const { second } = await makeTlsPair(certs, await makeTcpPair(), { client: { cacert, cert, key } });
  expect([second.peer.identity, second.peer.tls?.subject]).toEqual([undefined, undefined]);
});

function readError({ stream }: Link): Promise<NodeJS.ErrnoException | TunlError> {
  const seen = new Promise<NodeJS.ErrnoException>((resolve, reject) => {
    stream.once('error', resolve).once('end', () => reject(new Error('a clean end')));
  });
  stream.resume();
  return inTime('the refusal', seen);
}

describe('where a client certificate is asked for and need not come', () => {
  const optional = { ...server, clientCert: 'optional' } as const;

  /** Tries a handshake with a server that has these options. */
  const meet = async (options: NonNullable<TlsPairOptions['server']>, own?: IssuedCertificate) =>
    (
      await tryTls(certs, await makeTcpPair(), {
        server: options,
        client: { cacert, ...(own && { cert: own.cert, key: own.key }) },
      })
    ).server;
  const letIn = (identity?: string) => ({
    status: 'fulfilled',
    value: { peer: identity === undefined ? {} : { identity } },
  });

  test('a client without one is let in, without an identity', async () => {
    const met = await meet(optional);
    expect(met).toMatchObject(letIn());
    if (met.status === 'fulfilled') expect(met.value.peer.identity).toBeUndefined();
  });

  test('a client with a good one is known by it, and one with a bad one is refused', async () => {
    expect(await meet(optional, certs.client)).toMatchObject(letIn('alice'));
    const stranger = await certs.issue({ cn: 'alice', issuer: certs.otherCa });
    expect(await meet(optional, stranger)).toMatchObject({ reason: { code: 'tls_certificate_error', side: 'client' } });
  });

  test('no SPIFFE server lets a client in without one', async () => {
    const id = await certs.issue({ uris: ['spiffe://td/ns/a/sa/b'] });
    const own = { cert: id.cert, key: id.key, verify: 'spiffe' } as const;
    expect(await meet({ ...optional, ...own })).toMatchObject({ status: 'rejected' });
  });

  test.each<[string, string, CertificateRequest, boolean]>([
    ['a name', 'DNS:a.example', { dns: ['b.example', 'a.example'] }, true],
    ['a wildcard', 'DNS:a.wild.example', { dns: ['*.wild.example'] }, true],
    ['another name', 'DNS:a.example', { dns: ['b.example'] }, false],
    ['the name in its subject', 'DNS:a.example', { cn: 'a.example' }, false],
    ['an address', 'IP:::1', { ips: ['::1'] }, true],
    ['another address', 'IP:::1', { ips: ['::2'] }, false],
    ['a URI', 'URI:spiffe://td/a', { uris: ['spiffe://td/a'] }, true],
    ['a URI that goes on', 'URI:spiffe://td/a', { uris: ['spiffe://td/a/b'] }, false],
    ['a name that looks like a URI', 'URI:spiffe://td/a', { cn: 'URI:spiffe://td/a', dns: ['a'] }, false],
  ])('with %s where %s is wanted', async (_, name, request, isLetIn) => {
    const met = await meet({ ...server, clientNames: ['DNS:other.example', name] }, await certs.issue(request));
    expect(met.status).toBe(isLetIn ? 'fulfilled' : 'rejected');
    if (met.status === 'rejected') expect(met.reason.message).toContain('is for other names');
  });

  test.each([
    [{ clientCa: cacert, clientNames: ['a.example'] }, '"a.example" is no name of a certificate'],
    [{ clientCa: cacert, clientNames: ['IP:a'] }, '"IP:a" is no name of a certificate'],
    [{ clientNames: ['DNS:a'] }, 'client-cert and client-name need client-ca'],
    [{ clientCert: 'required' as const }, 'client-cert and client-name need client-ca'],
    [{ clientCert: 'optional' as const }, 'client-cert and client-name need client-ca'],
  ])('a server with %j is refused', async (options, message) => {
    const { cert, key } = certs.server;
    await expect(createTlsServer({ cert, key, alpn: [], ...options })).rejects.toThrow(message);
  });
});
