import { createHash, type X509Certificate } from 'node:crypto';

/** The pin of a certificate: SHA-256 of its subject public key info (RFC 7469, section 2.4), spelled as by `parsePin`. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64url')}`;
}
