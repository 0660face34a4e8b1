import { isIP } from 'node:net';
import { demandsCertificate, type ListenerTls } from '../../chain/model/graph.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { type Tree, typed } from './terms.ts';

/** The file of trusted authorities on Linux, at the path that Envoy's images use too. */
export const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** The TLS settings for connections to a server. */
export interface ServerTls {
  readonly settings: TlsSettings;
  /** The host to verify if the settings have no `servername`; absent if requests name it. */
  readonly host?: string;
  /** The SPIFFE id to verify instead of a host name. It implies TLS 1.3, as HBONE requires. */
  readonly spiffeId?: string;
}

/** Makes the transport socket of a cluster whose servers speak TLS. */
export function toClusterSocket({ settings, host, spiffeId }: ServerTls): Tree {
  const name = settings.servername ?? host;
  const validation = toValidation(settings, spiffeId ?? name);
  const isMesh = spiffeId !== undefined;
  const common = {
    tls_params: {
      ...(isMesh && { tls_minimum_protocol_version: 'TLSv1_3' }),
      // Without this setting, Envoy's clients use TLS 1.2 at most.
      tls_maximum_protocol_version: 'TLSv1_3',
    },
    ...(isMesh && { alpn_protocols: ['h2'] }),
    ...toCertificates(settings),
    ...(validation && { validation_context: validation }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('transport_sockets.tls.v3.UpstreamTlsContext', {
      ...(!isMesh && name !== undefined && isIP(name) === 0 && { sni: name }),
      common_tls_context: common,
    }),
  };
}

/** Makes the transport socket of a listener that speaks TLS with its clients. */
export function toListenerSocket(tls: ListenerTls, alpn: readonly string[]): Tree {
  const { cert, key, clientCa, clientNames } = tls;
  const common = {
    ...(alpn.length > 0 && { alpn_protocols: alpn }),
    ...toCertificates({ ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }),
    ...(clientCa !== undefined && {
      validation_context: {
        trusted_ca: { filename: clientCa },
        ...(clientNames && { match_typed_subject_alt_names: clientNames.map(toAltName) }),
      },
    }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('transport_sockets.tls.v3.DownstreamTlsContext', {
      ...(demandsCertificate(tls) && { require_client_certificate: true }),
      common_tls_context: common,
    }),
  };
}

const sanTypes: Readonly<Record<string, string>> = { DNS: 'DNS', IP: 'IP_ADDRESS', URI: 'URI' };

function toAltName(name: string): Tree {
  const colon = name.indexOf(':');
  return { san_type: sanTypes[name.slice(0, colon)], matcher: { exact: name.slice(colon + 1) } };
}

function toCertificates({ cert, key = cert }: TlsSettings): Tree {
  if (cert === undefined) return {};
  return { tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }] };
}

/** Makes the validation context; undefined for `insecure`, which accepts any certificate. */
function toValidation(
  { pin, insecure, cacert = systemAuthorities }: TlsSettings,
  name: string | undefined,
): Tree | undefined {
  // In tunl, too, a pin replaces all other checks.
  if (pin !== undefined)
    return { verify_certificate_spki: pin.split(';').map((one) => toPadded(one.slice('sha256/'.length))) };
  if (insecure) return undefined;
  return {
    trusted_ca: { filename: cacert },
    ...(name !== undefined && { match_typed_subject_alt_names: [toNameMatch(name)] }),
  };
}

function toNameMatch(name: string): Tree {
  const type = name.startsWith('spiffe://') ? 'URI' : isIP(name) === 0 ? 'DNS' : 'IP_ADDRESS';
  return { san_type: type, matcher: { exact: name } };
}

/** Converts the base64url digest of a pin into padded base64 (RFC 4648, section 4), which Envoy uses. */
function toPadded(digest: string): string {
  return `${digest.replaceAll('-', '+').replaceAll('_', '/')}=`;
}
