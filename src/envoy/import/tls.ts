import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { Path } from '../../chain/read/document.ts';
import type { ListenerTls } from '../../chain/model/graph.ts';
import type { TlsSettings } from '../../core/hop.ts';
import { parseSpiffeId } from '../../core/spiffe.ts';
import type { RouteValues } from '../../syntax/stage-settings.ts';
import { quote } from '../../syntax/text.ts';
import { parseTls } from '../../syntax/tls.ts';
import { type ClusterMessage, listEndpoints } from '../schema/cluster.ts';
import type { FilterChainMessage } from '../schema/listener.ts';
import {
  type CommonTlsContextMessage,
  headerSocketType,
  internalSocketType,
  type UpstreamTlsContextMessage,
} from '../schema/transport-socket.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

const downstreamType = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const upstreamType = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

/** The name of the socket for plain bytes. Like the router, it may have no `typed_config`. */
const rawName = 'envoy.transport_sockets.raw_buffer';

/** Reads the TLS settings of a listener. Returns undefined without TLS. */
export function readDownstreamTls(
  { transport_socket: socket }: FilterChainMessage,
  chainPath: Path,
  reading: BootstrapDiagnostics,
): ListenerTls | undefined {
  if (!socket) return undefined;
  const path = [...chainPath, 'transport_socket'];
  const words = socket.typed_config;
  if (!words && socket.name !== rawName) reading.add(path, 'typed_config is missing');
  if (words?.['@type'] !== downstreamType) return undefined;
  const at = [...path, 'typed_config', 'common_tls_context'];
  const { common_tls_context: common = {}, require_client_certificate: isRequired = false } = words;
  assertVersions(common, at, reading);
  const own = readOwn(common, at, reading);
  if (own.cert === undefined) reading.add(at, 'tls_certificates is missing');
  const { validation_context: validation } = common;
  const clientCa = validation?.trusted_ca?.filename;
  if (validation?.verify_certificate_spki)
    reading.add(
      [...at, 'validation_context', 'verify_certificate_spki'],
      'tunl does not check verify_certificate_spki of clients',
      'a trusted_ca of their own tells clients apart',
    );
  const names = validation?.match_typed_subject_alt_names ?? [];
  if (names.length > 0 && clientCa === undefined)
    reading.add(
      [...at, 'validation_context', 'match_typed_subject_alt_names'],
      'names are nothing without a trusted_ca to check them by',
      'add trusted_ca',
    );
  if (isRequired && clientCa === undefined) {
    reading.add([...path, 'typed_config'], 'require_client_certificate needs a trusted_ca to check it by');
  }
  return {
    ...own,
    ...(clientCa !== undefined && { clientCa: resolve(clientCa), ...(!isRequired && { clientCert: 'optional' }) }),
    ...(names.length > 0 && {
      clientNames: names.map(({ san_type: type, matcher: { exact } }) => `${namesOfTypes[type] ?? type}:${exact}`),
    }),
  };
}

/** The types of names in certificates of clients, as files of tunl write them. */
const namesOfTypes: Readonly<Record<string, string>> = { DNS: 'DNS', IP_ADDRESS: 'IP', URI: 'URI' };

/** The TLS settings for the endpoints of a cluster. */
export interface UpstreamTls {
  readonly tls: TlsSettings;
  /** The SPIFFE id that the endpoints must have, instead of a name. */
  readonly peer?: string;
}

/** Reads the TLS settings for the endpoints of a cluster. Returns undefined without TLS. */
export function readUpstreamTls(
  cluster: ClusterMessage,
  clusterPath: Path,
  reading: BootstrapDiagnostics,
): UpstreamTls | undefined {
  const { transport_socket: socket } = cluster;
  if (!socket) return undefined;
  const path = [...clusterPath, 'transport_socket'];
  if (!socket.typed_config && socket.name !== rawName) reading.add(path, 'typed_config is missing');
  let words = socket.typed_config;
  const at: Path[number][] = [...path, 'typed_config'];
  while (words?.['@type'] === internalSocketType || words?.['@type'] === headerSocketType) {
    words = words.transport_socket.typed_config;
    at.push('transport_socket', 'typed_config');
  }
  if (words?.['@type'] !== upstreamType) return undefined;
  const hosts = listEndpoints(cluster).map(({ address }) => address.socket_address?.address);
  const context = words;
  return reading.attempts.run(at, () => readUpstreamContext(context, hosts, at, reading));
}

/** Reads which PROXY header the transport socket of a cluster sends, if any. */
export function readUpstreamHeader({
  transport_socket: socket,
}: ClusterMessage): Pick<RouteValues, 'sendProxyProtocol'> {
  const first = socket?.typed_config;
  const outer = first?.['@type'] === internalSocketType ? first.transport_socket.typed_config : first;
  if (outer?.['@type'] !== headerSocketType) return {};
  return { sendProxyProtocol: outer.config?.version === 'V2' ? 'v2' : 'v1' };
}

function readUpstreamContext(
  words: UpstreamTlsContextMessage,
  hosts: readonly (string | undefined)[],
  path: Path,
  reading: BootstrapDiagnostics,
): UpstreamTls {
  const { common_tls_context: common = {}, sni } = words;
  const at = [...path, 'common_tls_context'];
  const { validation_context: validation } = common;
  const own = readOwn(common, at, reading);
  const pin = validation?.verify_certificate_spki?.map((digest) => `sha256/${digest}`).join(';') || undefined;
  const { name, peer } = readAltName(validation?.match_typed_subject_alt_names, [...at, 'validation_context'], reading);
  if (peer === undefined) assertVersions(common, at, reading);
  else {
    if (common.tls_params?.tls_maximum_protocol_version !== 'TLSV1_3') {
      reading.add(
        [...at, 'tls_params'],
        'where a SPIFFE id is expected tunl speaks TLS 1.3',
        'add tls_maximum_protocol_version: TLSv1_3',
      );
    }
    if (own.cert === undefined) reading.add(at, 'tls_certificates is missing: who expects a SPIFFE id has one');
    if (sni !== undefined && sni !== '')
      reading.add([...path, 'sni'], 'where a SPIFFE id is expected tunl sends no name', 'leave it out');
    const cacert = validation?.trusted_ca?.filename;
    return { tls: { ...own, ...(cacert !== undefined && { cacert: resolve(cacert) }) }, peer };
  }
  if (name !== undefined && sni !== undefined && sni !== '' && name !== sni) {
    reading.add(
      [...path, 'sni'],
      `${quote(sni)} is not the name to verify, and tunl has one for both`,
      `write ${name} in both places`,
    );
  }
  const servername = name ?? (sni === '' ? undefined : sni);
  const isVerified = validation?.trusted_ca !== undefined && validation.trust_chain_verification !== 'ACCEPT_UNTRUSTED';
  if (!isVerified && pin === undefined) {
    reading.notice('warning', path, 'without a trusted_ca every certificate is taken, as Envoy does');
  } else if (name === undefined && pin === undefined) {
    reading.notice(
      'verbose',
      path,
      'tunl verifies the host name too, where Envoy takes every certificate of its authorities',
    );
  }
  const tls = parseTls(
    {
      ...(isVerified && pin === undefined && { cacert: resolve(validation?.trusted_ca?.filename ?? '') }),
      ...own,
      // The name of the host is the default.
      ...(servername !== undefined &&
        !(hosts.length > 0 && hosts.every((host) => host === servername)) && {
          servername: isIPv6(servername) ? `[${servername}]` : servername,
        }),
      ...(pin !== undefined && { pin }),
      ...(!isVerified && pin === undefined && { insecure: true as const }),
    },
    'transport_socket',
  );
  return { tls };
}

function readOwn(
  { tls_certificates: certificates = [] }: CommonTlsContextMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly cert?: string; readonly key?: string } {
  const [first, second] = certificates;
  if (second) reading.add([...path, 'tls_certificates', 1], 'tunl shows one certificate', 'leave the others out');
  if (!first) return {};
  const { certificate_chain: cert, private_key: key } = first;
  if (!key) reading.add([...path, 'tls_certificates', 0], 'private_key is missing');
  return { cert: resolve(cert.filename), key: resolve((key ?? cert).filename) };
}

/** Refuses settings that exclude TLS 1.2, because tunl always allows it and does not support older versions. */
function assertVersions(
  { tls_params: parameters = {} }: CommonTlsContextMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): void {
  const { tls_minimum_protocol_version: min, tls_maximum_protocol_version: max } = parameters;
  if (max === 'TLSV1_0' || max === 'TLSV1_1') {
    reading.add(
      [...path, 'tls_params', 'tls_maximum_protocol_version'],
      'tunl speaks TLS 1.2 and 1.3 only',
      'write TLSv1_3',
    );
  }
  if (min === 'TLSV1_3') {
    reading.add(
      [...path, 'tls_params', 'tls_minimum_protocol_version'],
      'tunl cannot be kept from TLS 1.2 here',
      'write TLSv1_2',
    );
  }
}

type ValidationContextMessage = NonNullable<CommonTlsContextMessage['validation_context']>;

function readAltName(
  names: ValidationContextMessage['match_typed_subject_alt_names'],
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly name?: string; readonly peer?: string } {
  const [name, second] = names ?? [];
  const at = [...path, 'match_typed_subject_alt_names'];
  if (second) reading.add([...at, 1], 'tunl verifies one name', 'leave the others out');
  if (!name) return {};
  const { exact } = name.matcher;
  if (name.san_type === 'DNS' || name.san_type === 'IP_ADDRESS') return { name: exact };
  const id = name.san_type === 'URI' ? parseSpiffeId(exact) : undefined;
  if (id) return { peer: id.text };
  reading.add(
    [...at, 0, 'matcher'],
    `${quote(exact)} is no SPIFFE id, and tunl verifies no other URI`,
    'write a name of the type DNS',
  );
  return { name: exact };
}
