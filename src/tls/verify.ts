import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { TunlError } from '../core/errors.ts';
import type { Peer } from '../core/link.ts';
import { formatName, listHosts } from './certificate/names.ts';
import type { ReadyTls } from './material/material.ts';
import { readPeerCertificate } from './certificate/peer-certificate.ts';
import { pinOf } from './certificate/pin.ts';
import { expectSpiffeId } from './certificate/spiffe.ts';

/**
 * Verifies the certificate that a server showed, before any byte of ours is sent: by the pin alone if one is set, else
 * by its chain and its names, or by its SPIFFE id if that is demanded. It is called after every handshake, because Node
 * skips its own check when a session is resumed.
 * @param expected the name or address that the certificate must be for
 * @returns the identity that the server has proved
 * @throws {TunlError} tls_certificate_error
 */
export function assertServerTrusted(
  socket: TLSSocket,
  expected: string,
  loaded: ReadyTls,
  expectedId?: string,
): Pick<Peer, 'identity'> {
  const { settings, ownId } = loaded;
  const certificate = readPeerCertificate(socket);
  if (!certificate) throw certificateError('the server showed no certificate');
  if (settings.pin !== undefined) {
    assertPinned(certificate, expected, settings.pin);
    return {};
  }
  if (settings.insecure) return {};
  if (!socket.authorized) throw chainError(String(socket.authorizationError), expected, loaded, certificate);
  if (ownId) {
    const expectation = { ownId, ...(expectedId !== undefined && { expectedId }) };
    return { identity: expectSpiffeId(certificate, expected, expectation).text };
  }
  const wrong = findNameFault(socket, certificate, expected);
  if (!wrong) return {};
  const hosts = listHosts(certificate);
  throw certificateError(`the certificate of ${expected} is for other names: ${hosts}`, wrong, [
    'if one of them is right, name it: servername=NAME',
    pinHint(certificate),
  ]);
}

function findNameFault(socket: TLSSocket, certificate: X509Certificate, expected: string): Error | undefined {
  // Node compares addresses as text, and its versions differ in their spelling of IPv6.
  if (isIP(expected) !== 0) return certificate.checkIP(expected) ? undefined : new Error('for other addresses');
  // The resolver and Node's check could split a name outside ASCII differently.
  if (!/^[\x21-\x7e]+$/.test(expected)) return new Error('not a host name');
  return checkServerIdentity(expected, socket.getPeerCertificate());
}

/** Explains an error that ended the handshake; undefined unless the certificate chain was its cause. */
export function explainChainFailure(
  error: Error,
  expected: string,
  loaded: ReadyTls,
  certificate: X509Certificate | undefined,
): TunlError | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  return isChainFailure(code) ? chainError(code, expected, loaded, certificate, error) : undefined;
}

/** Explains in words why a chain was not accepted; `code` is OpenSSL's in Node's spelling. */
export function describeChainFailure(code: string, peer: string, certificate: X509Certificate | undefined): string {
  const subject = `the certificate of ${peer}`;
  if (untrustedCodes.has(code)) {
    const issuer = certificate ? ` (${formatName(certificate.issuer)})` : '';
    return `${subject} comes from an authority that is not trusted${issuer}`;
  }
  switch (code) {
    case selfSigned:
      return `${subject} is self-signed`;
    case 'CERT_HAS_EXPIRED':
      return `${subject} has expired${formatDate(certificate?.validTo)}`;
    case 'CERT_NOT_YET_VALID':
      return `${subject} is not yet valid${formatDate(certificate?.validFrom)}`;
    case 'INVALID_PURPOSE':
      return `${subject} is not made for this use (extended key usage)`;
    case 'CERT_REVOKED':
      return `${subject} is revoked`;
    default:
      return `${subject} was not accepted: ${code.toLowerCase().replaceAll('_', ' ')}`;
  }
}

const selfSigned = 'DEPTH_ZERO_SELF_SIGNED_CERT';

const untrustedCodes = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** True for Node's codes of chain failures: OpenSSL's names without X509_V_ERR_. All other codes begin with ERR_ or E. */
function isChainFailure(code: string): boolean {
  return /^(?:CERT|CRL|DEPTH|SELF_SIGNED|UNABLE_TO|ERROR_IN_C|INVALID_|PATH_LENGTH|HOSTNAME_MISMATCH)/.test(code);
}

function chainError(
  code: string,
  expected: string,
  { ownId, trust, settings }: ReadyTls,
  certificate: X509Certificate | undefined,
  cause?: Error,
): TunlError {
  const hints = [];
  if (untrustedCodes.has(code)) hints.push('to trust its authority: cacert=FILE', ...describeTrust(trust, settings));
  if (code === selfSigned) hints.push('to trust it: cacert=FILE');
  if (code === 'CERT_NOT_YET_VALID') hints.push('is the clock of this machine right?');
  if (certificate && !ownId && code !== 'CERT_REVOKED') hints.push(pinHint(certificate));
  const error = certificateError(describeChainFailure(code, expected, certificate), cause, hints);
  return code === selfSigned || untrustedCodes.has(code) ? error.with({ untrusted: true }) : error;
}

/** Describes the authorities that were tried, unless the user named them. */
function describeTrust(trust: ReadyTls['trust'], { cacert, noSystemCa }: ReadyTls['settings']): string[] {
  if (!trust || cacert !== undefined) return [];
  const without = noSystemCa ? ['those of the system were left out: --no-system-ca'] : [];
  return [`it is not one of ${trust.description}`, ...trust.notes, ...without];
}

function assertPinned(certificate: X509Certificate, expected: string, pins: string): void {
  const seen = pinOf(certificate);
  if (pins.split(';').includes(seen)) return;
  throw certificateError(`the certificate of ${expected} does not have the pinned key`, undefined, [
    `pinned: ${pins}`,
    `seen: ${seen} (${formatName(certificate.subject)})`,
  ]);
}

function pinHint(certificate: X509Certificate): string {
  return `to accept exactly this certificate: pin=${pinOf(certificate)}`;
}

function formatDate(text: string | undefined): string {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? '' : ` (${date.toISOString().slice(0, 10)})`;
}

function certificateError(message: string, cause?: unknown, hints: readonly string[] = []): TunlError {
  return new TunlError('tls_certificate_error', message, {
    phase: 'tls',
    hints,
    ...(cause !== undefined && { cause }),
  });
}
