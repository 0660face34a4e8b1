import { isIP } from 'node:net';
import type { ListenerTls } from '../../chain/model/graph.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { type Tree, typed } from './terms.ts';

/** The authorities that a Linux system trusts, where Envoy's own images have them too. */
export const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** What TLS to a server is written from. */
export interface ServerTls {
  readonly settings: TlsSettings;
  /** The host that is verified where the settings name no other. */
  readonly host: string;
  /** TLS 1.3 and a SPIFFE id instead of a host name, as HBONE has it. */
  readonly spiffeId?: string;
}

/** The transport socket of a cluster whose servers speak TLS. */
export function toClusterSocket({ settings, host, spiffeId }: ServerTls): Tree {
  const name = settings.servername ?? host;
  const validation = toValidation(settings, spiffeId ?? name);
  const isMesh = spiffeId !== undefined;
  const common = {
    tls_params: {
      ...(isMesh && { tls_minimum_protocol_version: 'TLSv1_3' }),
      // Where nothing is said a client of Envoy stops at 1.2.
      tls_maximum_protocol_version: 'TLSv1_3',
    },
    ...(isMesh && { alpn_protocols: ['h2'] }),
    ...toCertificates(settings),
    ...(validation && { validation_context: validation }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('transport_sockets.tls.v3.UpstreamTlsContext', {
      ...(!isMesh && isIP(name) === 0 && { sni: name }),
      common_tls_context: common,
    }),
  };
}

/** The transport socket of a listener that speaks TLS with its clients. */
export function toListenerSocket({ cert, key, clientCa }: ListenerTls, alpn: readonly string[]): Tree {
  const common = {
    ...(alpn.length > 0 && { alpn_protocols: alpn }),
    ...toCertificates({ ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }),
    ...(clientCa !== undefined && { validation_context: { trusted_ca: { filename: clientCa } } }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('transport_sockets.tls.v3.DownstreamTlsContext', {
      ...(clientCa !== undefined && { require_client_certificate: true }),
      common_tls_context: common,
    }),
  };
}

function toCertificates({ cert, key = cert }: TlsSettings): Tree {
  if (cert === undefined) return {};
  return { tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }] };
}

/** Without it every certificate is taken. */
function toValidation({ pin, insecure, cacert = systemAuthorities }: TlsSettings, name: string): Tree | undefined {
  // A pin alone decides, with us too.
  if (pin !== undefined)
    return { verify_certificate_spki: pin.split(';').map((one) => toPadded(one.slice('sha256/'.length))) };
  if (insecure) return undefined;
  return { trusted_ca: { filename: cacert }, match_typed_subject_alt_names: [toNameMatch(name)] };
}

function toNameMatch(name: string): Tree {
  const type = name.startsWith('spiffe://') ? 'URI' : isIP(name) === 0 ? 'DNS' : 'IP_ADDRESS';
  return { san_type: type, matcher: { exact: name } };
}

/** Envoy writes the same digest in base64 as RFC 4648, section 4, has it. */
function toPadded(digest: string): string {
  return `${digest.replaceAll('-', '+').replaceAll('_', '/')}=`;
}
