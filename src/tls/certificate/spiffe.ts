import type { X509Certificate } from 'node:crypto';
import { TunlError, usageError } from '../../core/errors.ts';
import { parseSpiffeId, type SpiffeId } from '../../core/spiffe.ts';
import { parseAltNames } from './names.ts';
import { formatSource, type PemSource } from './source.ts';

/** The SPIFFE ids that are accepted in a certificate. */
export interface SpiffeExpectation {
  /** The only id accepted. Default: any id of our trust domain. */
  readonly expectedId?: string;
  readonly ownId: SpiffeId;
}

/**
 * Reads our own id, by which the other side judges us.
 * @throws {TunlError} usage, if our certificate has none
 */
export function readOwnId(leaf: X509Certificate, source: PemSource): SpiffeId {
  const [id] = listSpiffeIds(leaf);
  if (id) return id;
  throw usageError(
    `${formatSource(source)} holds no SPIFFE id`,
    'it must have the URI spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT as a subject alternative name',
  );
}

/**
 * Finds the id for which a certificate is accepted. Its chain must have been verified before.
 * @param peer names the owner in messages
 * @throws {TunlError} tls_certificate_error
 */
export function expectSpiffeId(certificate: X509Certificate, peer: string, expectation: SpiffeExpectation): SpiffeId {
  const { expectedId, ownId } = expectation;
  const ids = listSpiffeIds(certificate);
  const found = ids.find(({ text, trustDomain }) =>
    expectedId === undefined ? trustDomain === ownId.trustDomain : text === expectedId,
  );
  if (found) return found;
  if (ids.length === 0) throw certificateError(`the certificate of ${peer} holds no SPIFFE id`);
  const seen = `it has ${ids.map(({ text }) => text).join(', ')}`;
  throw expectedId === undefined
    ? certificateError(`the certificate of ${peer} is not of our trust domain ${ownId.trustDomain}`, seen)
    : certificateError(`the certificate of ${peer} is not that of ${expectedId}`, seen);
}

/** Lists the ids of a certificate in their order. Other URIs are ignored, as by ztunnel. */
function listSpiffeIds(certificate: X509Certificate): SpiffeId[] {
  return parseAltNames(certificate.subjectAltName)
    .filter(({ type }) => type === 'URI')
    .flatMap(({ value }) => parseSpiffeId(value) ?? []);
}

function certificateError(message: string, ...hints: string[]): TunlError {
  return new TunlError('tls_certificate_error', message, { phase: 'tls', hints });
}
