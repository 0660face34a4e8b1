import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import type { OwnCertificate } from './certificate/source.ts';

/** Lifetime of a development certificate: short enough for Apple's verifier and for browsers. */
const lifeMs = 90 * 24 * 3600 * 1000;

/** Makes a self-signed certificate for this machine, which clients trust by its pin. */
export async function makeDevelopmentCertificate(): Promise<OwnCertificate> {
  // Loaded only here: most servers have a certificate, and the generator is large. Its default export is used because
  // a bundler gives an imported CommonJS chunk no other names.
  const { default: selfsigned } = await import('selfsigned');
  const { cert, private: key } = await selfsigned.generate([{ name: 'commonName', value: 'tunl development' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + lifeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [...listNames(), { type: 7, ip: '127.0.0.1' }, { type: 7, ip: '::1' }] },
    ],
  });
  return { cert, key, leaf: new X509Certificate(cert) };
}

function listNames() {
  const own = hostname().toLowerCase();
  const names = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(own) ? ['localhost', own] : ['localhost'];
  return [...new Set(names)].map((value) => ({ type: 2 as const, value }));
}
