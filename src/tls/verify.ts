import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { TunlError } from '../core/errors.ts';
import type { Peer } from '../core/link.ts';
import { formatName, listHosts } from './names.ts';
import type { ReadyTls } from './material.ts';
import { readPeerCertificate } from './peer-certificate.ts';
import { pinOf } from './pin.ts';
import { expectSpiffeId } from './spiffe.ts';

/**
 * Judges the certificate that a server showed, before any byte of ours is sent: by the pin alone where
 * one is set, else by its chain and its names, or its SPIFFE id where that is demanded. `expected` is the
 * name or address that it must be for. Gives what is known of the server then.
 * Called after every handshake: Node's own check is left out where a session is resumed.
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
    'if one of them is right, say so: servername=NAME',
    pinHint(certificate),
  ]);
}

function findNameFault(socket: TLSSocket, certificate: X509Certificate, expected: string): Error | undefined {
  // Node compares addresses as text, and not all its versions spell one of IPv6 as the certificate's text does.
  if (isIP(expected) !== 0) return certificate.checkIP(expected) ? undefined : new Error('for other addresses');
  // A name outside ASCII could be split differently by the resolver and by Node's check.
  if (!/^[\x21-\x7e]+$/.test(expected)) return new Error('not a host name');
  return checkServerIdentity(expected, socket.getPeerCertificate());
}

/** The same for an error that ended the handshake, when the chain is what was wrong with it. */
export function explainChainFailure(
  error: Error,
  expected: string,
  loaded: ReadyTls,
  certificate: X509Certificate | undefined,
): TunlError | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  return isChainFailure(code) ? chainError(code, expected, loaded, certificate, error) : undefined;
}

/** Why a chain was not accepted, in words; `code` is OpenSSL's as Node names it. */
export function describeChainFailure(code: string, peer: string, certificate: X509Certificate | undefined): string {
  const subject = `the certificate of ${peer}`;
  if (untrustedCodes.has(code)) {
    const issuer = certificate ? ` (${formatName(certificate.issuer)})` : '';
    return `${subject} comes from an authority that is not trusted${issuer}`;
  }
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
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

const untrustedCodes = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** Node names a chain failure by OpenSSL's X509_V_ERR_ name without that prefix; all other errors begin with ERR_ or E. */
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
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') hints.push('to trust it: cacert=FILE');
  if (code === 'CERT_NOT_YET_VALID') hints.push('is the clock of this machine right?');
  if (certificate && !ownId && code !== 'CERT_REVOKED') hints.push(pinHint(certificate));
  return certificateError(describeChainFailure(code, expected, certificate), cause, hints);
}

/** Names the authorities that were looked through, unless the user named them. */
function describeTrust(trust: ReadyTls['trust'], { cacert, noSystemCa }: ReadyTls['settings']): string[] {
  if (!trust || cacert !== undefined) return [];
  const without = noSystemCa ? ['those of the system were left out: --no-system-ca'] : [];
  return [`it is none of ${trust.description}`, ...trust.notes, ...without];
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
