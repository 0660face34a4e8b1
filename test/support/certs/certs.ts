import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** The contents of a certificate. Everything but the name has a default that a client accepts. */
export interface CertificateRequest {
  /** The common name; if absent, the subject is empty, as in a SPIFFE leaf. */
  readonly cn?: string;
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  readonly uris?: readonly string[];
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
  /** Default: `certs.ca`. `self` makes a self-signed certificate. */
  readonly issuer?: IssuedCertificate | 'self';
  /** Default: both. */
  readonly eku?: readonly ('server' | 'client')[];
  readonly authority?: true;
}

/** A certificate with its key, in files and in memory. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** Required to issue certificates with it. */
  readonly subject: x509.X509Certificate;
  readonly signer: webcrypto.CryptoKey;
}

/** The certificates of a test run. */
export interface Certs {
  readonly folder: string;
  readonly ca: IssuedCertificate;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: IssuedCertificate;
  /** `CN=alice`, for clients only. */
  readonly client: IssuedCertificate;
  readonly expired: IssuedCertificate;
  readonly notYetValid: IssuedCertificate;
  /** For other.example and *.wild.example, not for localhost. */
  readonly wrongName: IssuedCertificate;
  /** An authority that nobody trusts. */
  readonly otherCa: IssuedCertificate;
  issue(request: CertificateRequest): Promise<IssuedCertificate>;
  /** Writes a text to a new file and returns its path. */
  write(name: string, text: string | Buffer): string;
  remove(): void;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Makes an authority and the certificates that most tests need, in a temporary folder. */
export async function makeCerts(): Promise<Certs> {
  x509.cryptoProvider.set(webcrypto);
  const folder = mkdtempSync(join(tmpdir(), 'tunl-certs-'));
  let count = 0;
  const write = (name: string, text: string | Buffer) => {
    const path = join(folder, `${++count}-${name}`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const issueBelow = async (issuer: IssuedCertificate | 'self', request: CertificateRequest) => {
    const { certPem, keyPem, ...parts } = await sign(request, issuer);
    const name = request.cn?.replaceAll(/[^a-z0-9.-]/gi, '-') ?? 'leaf';
    return { ...parts, certPem, keyPem, cert: write(`${name}.pem`, certPem), key: write(`${name}.key`, keyPem) };
  };
  const ca = await issueBelow('self', { cn: 'tunl test authority', authority: true });
  const issue = (request: CertificateRequest) => issueBelow(request.issuer ?? ca, request);
  const local = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] } as const;
  const [server, client, expired, notYetValid, wrongName, otherCa] = await Promise.all([
    issue({ cn: 'localhost', ...local, eku: ['server'] }),
    issue({ cn: 'alice', eku: ['client'] }),
    issue({ cn: 'expired', ...local, notBefore: daysFromNow(-10), notAfter: daysFromNow(-3) }),
    issue({ cn: 'not yet valid', ...local, notBefore: daysFromNow(3), notAfter: daysFromNow(10) }),
    issue({ cn: 'other', dns: ['other.example', '*.wild.example'], ips: ['192.0.2.7'] }),
    issue({ cn: 'another authority', authority: true, issuer: 'self' }),
  ]);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, ca, server, client, expired, notYetValid, wrongName, otherCa, issue, write, remove };
}

async function sign(request: CertificateRequest, issuer: IssuedCertificate | 'self') {
  const { cn, notBefore = new Date(Date.now() - hourMs), notAfter = daysFromNow(1), authority = false } = request;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const name = cn === undefined ? '' : `CN=${cn}`;
  const subject = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
      .toString('hex')
      .replace(/^./, '1'),
    subject: name,
    issuer: issuer === 'self' ? name : issuer.subject.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: issuer === 'self' ? keys.privateKey : issuer.signer,
    signingAlgorithm: algorithm,
    extensions: authority ? authorityExtensions() : leafExtensions(request),
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    subject,
    signer: keys.privateKey,
    certPem: `${subject.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

function authorityExtensions(): x509.Extension[] {
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  return [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(usages, true)];
}

function leafExtensions({
  cn,
  dns = [],
  ips = [],
  uris = [],
  eku = ['server', 'client'],
}: CertificateRequest): x509.Extension[] {
  const names = [
    ...dns.map((value) => ({ type: 'dns', value }) as const),
    ...ips.map((value) => ({ type: 'ip', value }) as const),
    ...uris.map((value) => ({ type: 'url', value }) as const),
  ];
  const usages = eku.map((use) => x509.ExtendedKeyUsage[use === 'server' ? 'serverAuth' : 'clientAuth']);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    // RFC 5280, section 4.1.2.6: without a subject the alternative names are critical.
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names, cn === undefined)] : []),
  ];
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * dayMs);
}
