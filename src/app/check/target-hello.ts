import { X509Certificate } from 'node:crypto';
import { formatAddress, type TcpAddress } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import type { TlsSettings } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { formatName } from '../../tls/certificate/names.ts';
import { createSecurity } from '../stages/security.ts';
import type { CheckOptions } from './options.ts';
import type { Examination } from './examination.ts';

/** What became of a TLS handshake with the target, in a tunnel of its own. */
export type HelloResult =
  /** Its certificate was shown; the failure says why it is not accepted, if it is not. */
  | { readonly kind: 'secured'; readonly certificate?: Certificate; readonly failure?: TunlError }
  /** Something answered, and it was not TLS, or an alert. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'closed' | 'silence' | 'none' };

/** The parts of a certificate that are shown. */
export interface Certificate {
  readonly issuer: string;
  /** In ISO 8601. */
  readonly validTo: string;
}

/** Results by examination and trust: each handshake costs a connection. */
const known = new WeakMap<Examination, Map<string, Promise<HelloResult>>>();

/** The authorities by which the certificate of a target is judged: those built into Node alone, or those that users have. */
export type Trust = 'public' | 'usual' | 'any';

function toSettings(trust: Trust, { publicCa, targetTls }: CheckOptions): TlsSettings {
  switch (trust) {
    case 'public':
      return publicCa === undefined ? { publicCaOnly: true } : { cacert: publicCa };
    case 'usual':
      return targetTls;
    case 'any':
      return { insecure: true };
  }
}

/**
 * Performs a TLS handshake with the target, and closes the tunnel. The result is kept.
 * @throws the reason of the check's end
 */
export function helloTarget(exam: Examination, open: TcpAddress, trust: Trust = 'public'): Promise<HelloResult> {
  const results = known.get(exam) ?? new Map<string, Promise<HelloResult>>();
  known.set(exam, results);
  const result = results.get(trust) ?? hello(exam, open, toSettings(trust, exam.options));
  results.set(trust, result);
  return result;
}

async function hello(exam: Examination, open: TcpAddress, settings: TlsSettings): Promise<HelloResult> {
  const { link } = await exam.dial(open);
  if (!link) return { kind: 'none' };
  const limit = AbortSignal.any([exam.signal, AbortSignal.timeout(exam.patienceMs)]);
  try {
    const certificate = await shakeHands(link, open, settings, limit);
    return { kind: 'secured', ...(certificate && { certificate: describeCertificate(certificate) }) };
  } catch (error) {
    if (exam.signal.aborted || !(error instanceof TunlError)) throw error;
    if (limit.aborted) return { kind: 'silence' };
    if (error.code === 'tls_certificate_error') return { kind: 'secured', failure: error };
    return { kind: isAnswered(error) ? 'answered' : 'closed' };
  }
}

/**
 * Performs a TLS handshake on a Link, closes the Link whatever came of it, and returns the certificate that was shown.
 * @throws {TunlError} what went wrong; the signal's reason
 */
export async function shakeHands(
  link: Link,
  address: TcpAddress,
  settings: TlsSettings,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const security = await createSecurity(settings);
    const target = { host: address.host, place: formatAddress(address), alpn: [] };
    const { stream, peer } = await security.secure(link, target, signal);
    stream.destroy();
    return peer.tls?.certificate;
  } catch (error) {
    link.stream.destroy();
    throw error;
  }
}

/** True if bytes came back that were no handshake. OpenSSL has a code for each fault in what it reads. */
function isAnswered({ code, facts }: TunlError): boolean {
  if (code === 'tls_alert_received') return true;
  const { code: cause = '' } = (facts.cause ?? {}) as NodeJS.ErrnoException;
  return cause.startsWith('ERR_SSL_') || cause === 'EPROTO';
}

/** Reads the parts of a certificate that are shown. */
export function describeCertificate(certificate: Uint8Array): Certificate {
  const { issuer, validTo } = new X509Certificate(certificate);
  return { issuer: formatName(issuer), validTo: new Date(validTo).toISOString() };
}
