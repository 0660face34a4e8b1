import type { X509Certificate } from 'node:crypto';
import { commonName, parseAltNames } from './names.ts';
import { pinOf } from './pin.ts';

const spiffePrefix = 'spiffe://';

/**
 * Reads the client's identity from its verified certificate: its SPIFFE id, else its common name, else the pin of its
 * key. A common name never passes for a SPIFFE id.
 */
export function identityOf(certificate: X509Certificate): string {
  const spiffe = parseAltNames(certificate.subjectAltName).find(
    ({ type, value }) => type === 'URI' && value.startsWith(spiffePrefix),
  );
  if (spiffe) return spiffe.value;
  const name = commonName(certificate);
  return name === undefined || name.toLowerCase().startsWith(spiffePrefix) ? pinOf(certificate) : name;
}
