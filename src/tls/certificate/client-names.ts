import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { parseAltNames } from './names.ts';

/** Tells whether a verified certificate has one of the names that clients must have. */
export type HasClientName = (certificate: X509Certificate) => boolean;

/**
 * Makes the check of the names in the certificates of clients, each `DNS:NAME`, `IP:ADDRESS` or `URI:TEXT`; one of them
 * must be an alternative name of the subject. A DNS name may be that of a wildcard (RFC 6125, section 6.4.3).
 * @throws {TunlError} usage
 */
export function createHasClientName(names: readonly string[]): HasClientName {
  const wanted = names.map(parseCertificateName);
  return (certificate) => wanted.some((name) => hasName(certificate, name));
}

function hasName(certificate: X509Certificate, { kind, name }: CertificateName): boolean {
  switch (kind) {
    case 'DNS':
      return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
    case 'IP':
      return certificate.checkIP(name) !== undefined;
    case 'URI':
      return parseAltNames(certificate.subjectAltName).some(({ type, value }) => type === 'URI' && value === name);
  }
}

/** A name that a certificate must have. */
interface CertificateName {
  readonly kind: 'DNS' | 'IP' | 'URI';
  readonly name: string;
}

/** Parses a name of clients: `DNS:a.example`, `IP:192.0.2.7` or `URI:spiffe://td/a`. @throws {TunlError} usage */
function parseCertificateName(text: string): CertificateName {
  const [, kind, name = ''] = /^(DNS|IP|URI):(.+)$/s.exec(text) ?? [];
  if (kind === 'DNS' || kind === 'URI' || (kind === 'IP' && isIP(name) !== 0)) return { kind, name };
  throw usageError(`client-name ${quote(text)} is no name of a certificate`, 'write DNS:NAME, IP:ADDRESS or URI:TEXT');
}
