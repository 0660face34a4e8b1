import { TunlError, toTunlError } from '../core/errors.ts';

/** Our end of a handshake, as far as messages about it need to know. */
export interface TlsSide {
  readonly role: 'client' | 'server';
  /** The name of the other end: `proxy.corp:443`, `the client`. */
  readonly peer: string;
  /** A hint for a peer that does not speak TLS. */
  readonly withoutTls?: string;
  /** True if we have a certificate to show. */
  readonly hasCertificate: boolean;
  readonly alpn: readonly string[];
  /** The oldest version that is accepted. Default: TLS 1.2. */
  readonly min?: 'TLSv1.3';
}

/** Errors of OpenSSL for bytes that are not a TLS record. */
const notTlsCodes = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_BAD_RECORD_TYPE',
  'ERR_SSL_UNKNOWN_PROTOCOL',
]);

/** Codes for a received alert, which OpenSSL calls `sslv3`, `tlsv1`, `tlsv13` or, since 3.5, `ssl/tls alert …`. */
const alertPattern = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_(?:ALERT_)?([A-Z_]+)$/;

const certificateAlerts = new Set([
  'bad certificate',
  'unsupported certificate',
  'certificate revoked',
  'certificate expired',
  'certificate unknown',
  'unknown ca',
  'access denied',
]);

/** Explains why a handshake failed. Every error becomes a TunlError of phase `tls`. */
export function explainHandshakeFailure(error: Error, side: TlsSide): TunlError {
  // Node throws a TypeError for bad arguments, which is a defect of tunl.
  if (error instanceof TypeError) return toTunlError(error);
  return explainTlsError(error, side) ?? closedError(side, error);
}

/** Explains an error that TLS itself raised, at any time; undefined for an error of the stream below. */
export function explainTlsError(error: Error, side: TlsSide): TunlError | undefined {
  if (error instanceof TunlError) return error;
  const { code = '', reason = '' } = error as NodeJS.ErrnoException & { reason?: string };
  const facts = { phase: 'tls', cause: error } as const;
  const alert = alertPattern.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ');
  if (alert) {
    return new TunlError('tls_alert_received', `${side.peer} refused the TLS connection: ${alert}`, {
      ...facts,
      hints: alertHints(alert, side),
    });
  }
  if (notTlsCodes.has(code)) {
    return new TunlError('tls_protocol_error', `${side.peer} does not speak TLS${describeSent(code)}`, {
      ...facts,
      hints: side.withoutTls === undefined ? [] : [side.withoutTls],
    });
  }
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_') && code !== 'EPROTO') return undefined;
  return new TunlError('tls_protocol_error', `TLS with ${side.peer} failed: ${reason || code}`, {
    ...facts,
    hints: ownAlertHints(code, side),
  });
}

/** Makes the error for a peer that ended or disappeared before the handshake was complete. */
export function closedError(side: TlsSide, cause?: Error): TunlError {
  const hints = side.withoutTls === undefined ? [] : [`if it does not speak TLS: ${side.withoutTls}`];
  return new TunlError('tls_protocol_error', closedMessage(cause, side), { phase: 'tls', cause, hints });
}

function closedMessage(error: Error | undefined, { peer }: TlsSide): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // Node reports an end in the middle of the handshake as ECONNRESET too, but without a system call.
  const how = code === 'ECONNRESET' && syscall !== undefined ? 'reset' : 'closed';
  return `${peer} ${how} the connection during the TLS handshake`;
}

function describeSent(code: string): string {
  return code === 'ERR_SSL_HTTP_REQUEST' || code === 'ERR_SSL_HTTPS_PROXY_REQUEST'
    ? ', it sent a plain HTTP request'
    : '';
}

function alertHints(alert: string, { role, hasCertificate, alpn, min }: TlsSide): string[] {
  if (role === 'server') return certificateAlerts.has(alert) ? ['the client does not trust our certificate'] : [];
  switch (alert) {
    case 'certificate required':
      return ['it wants a client certificate: cert=FILE&key=FILE'];
    case 'handshake failure':
      return hasCertificate ? [] : ['it may want a client certificate: cert=FILE&key=FILE'];
    case 'unrecognized name':
      return ['it has no certificate for that name; send another with servername=NAME'];
    case 'no application protocol':
      return [`it speaks none of the protocols offered: ${alpn.join(', ')}`];
    case 'protocol version':
      return [describeMissing(min)];
    default:
      if (!certificateAlerts.has(alert)) return [];
      return [
        hasCertificate
          ? 'it did not accept our certificate (cert=…)'
          : 'it wants a client certificate: cert=FILE&key=FILE',
      ];
  }
}

function describeMissing(min: TlsSide['min']): string {
  return min ? 'it does not speak TLS 1.3' : 'it speaks neither TLS 1.2 nor TLS 1.3';
}

function ownAlertHints(code: string, { role, min }: TlsSide): string[] {
  const tooOld = code === 'ERR_SSL_UNSUPPORTED_PROTOCOL' || code === 'ERR_SSL_VERSION_TOO_LOW';
  if (!tooOld) return [];
  return [role === 'client' ? describeMissing(min) : `TLS ${min ? '1.3' : '1.2'} is the oldest version spoken here`];
}
