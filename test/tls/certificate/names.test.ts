import { X509Certificate } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { identityOf } from '../../../src/tls/certificate/identity.ts';
import { listHosts, parseAltNames } from '../../../src/tls/certificate/names.ts';
import { pinOf } from '../../../src/tls/certificate/pin.ts';
import { type CertificateRequest, makeCerts } from '../../support/certs/certs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

async function issue(request: CertificateRequest): Promise<X509Certificate> {
  return new X509Certificate((await certs.issue(request)).certPem);
}

test('alternative names are split where they are separate, not inside a quoted one', () => {
  expect(parseAltNames('DNS:a.example, IP Address:192.0.2.7, URI:"urn:x\\u002c DNS:evil.example"')).toEqual([
    { type: 'DNS', value: 'a.example' },
    { type: 'IP Address', value: '192.0.2.7' },
    { type: 'URI', value: 'urn:x, DNS:evil.example' },
  ]);
  expect(parseAltNames(undefined)).toEqual([]);
});

test.each<[string, CertificateRequest, string]>([
  ['its SPIFFE id', { cn: 'alice', uris: ['spiffe://td/ns/a/sa/b'] }, 'spiffe://td/ns/a/sa/b'],
  ['its SPIFFE id when it has no subject', { uris: ['https://a.example/', 'spiffe://td/x'] }, 'spiffe://td/x'],
  ['its common name', { cn: 'alice', dns: ['host.example'] }, 'alice'],
])('a client is known by %s', async (_, request, identity) => {
  expect(identityOf(await issue(request))).toBe(identity);
});

test.each<[string, CertificateRequest]>([
  ['no name', { uris: ['https://a.example/'] }],
  ['a common name that poses as a SPIFFE id', { cn: 'spiffe://td/ns/a/sa/b' }],
  ['two names in one URI', { uris: ['urn:x, URI:spiffe://td/ns/a/sa/b'] }],
])('a client with %s is known by its key', async (_, request) => {
  const certificate = await issue(request);
  expect(identityOf(certificate)).toBe(pinOf(certificate));
});

test('the hosts of a certificate are listed, a long list in part', async () => {
  expect(listHosts(new X509Certificate(certs.wrongName.certPem))).toBe('other.example, *.wild.example, 192.0.2.7');
  const many = Array.from({ length: 12 }, (_, index) => `h${index}.example`);
  expect(listHosts(await issue({ cn: 'x', dns: many }))).toMatch(/^h0\.example, .*h7\.example, …$/);
  expect(listHosts(await issue({ cn: 'lone.example' }))).toBe('lone.example');
  expect(listHosts(await issue({ uris: ['spiffe://a/ns/b/sa/c'] }))).toBe('no host');
});
