import { createHash, type X509Certificate } from 'node:crypto';
import { usageError } from '../core/errors.ts';

/** Characters of a SHA-256 in base64 without padding. */
const digestLength = 43;

/**
 * Reads a pin: `sha256/BASE64URL` or, as curl writes it, `sha256//BASE64`.
 * @returns the first form, so that pins can be compared as text
 * @throws {TunlError} usage
 */
export function parsePin(text: string): string {
  const [, encoded = ''] = /^sha256\/([A-Za-z0-9+/_-]+)={0,2}$/.exec(text) ?? [];
  // Base64 may itself begin with a slash; only the length tells it from curl's second one.
  const digest = encoded.length === digestLength + 1 && encoded.startsWith('/') ? encoded.slice(1) : encoded;
  if (digest.length !== digestLength) {
    throw usageError(
      `pin ${JSON.stringify(text)} is not sha256/ and ${digestLength} characters of base64url`,
      'a failed connection names the pin it saw',
    );
  }
  return `sha256/${digest.replaceAll('+', '-').replaceAll('/', '_')}`;
}

/** The pin of a certificate: SHA-256 of its subject public key info (RFC 7469, section 2.4). */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64url')}`;
}
