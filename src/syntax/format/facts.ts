import { hostname } from 'node:os';
import { type Address, formatAddress } from '../../core/address.ts';
import type { HopAnswer, Origin } from '../../core/dialer.ts';
import { usageError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { isSecretField } from '../../core/secret.ts';
import { parseTimeForm } from './time.ts';
import { TypedValue } from './typed.ts';

/** The facts about a tunnel that operators write. Many are unknown before its end. */
export interface FormatFacts {
  readonly origin: Origin;
  /** The time of the request, in milliseconds since 1970. */
  readonly began: number;
  readonly ms?: number;
  /** Bytes from the client to the target, and back. */
  readonly sent?: number;
  readonly received?: number;
  /** Status of the answer; 0 if there is none. */
  readonly status?: number;
  /** The reason for the status, in Envoy's words: `via_upstream`. */
  readonly details?: string;
  /** Envoy's short flags for the outcome: `UF`. */
  readonly flags?: string;
  /** The reason why it ended. */
  readonly termination?: string;
  /** The reason why the upstream could not be reached. */
  readonly failure?: string;
  /** Address of the upstream. */
  readonly upstream?: string;
  /** The number of the connection to the upstream. */
  readonly upstreamConnection?: number;
  /** Name of the upstream. */
  readonly cluster?: string;
  readonly route?: string;
  readonly id?: number;
  /** Fields of the answer. */
  readonly answer?: readonly HeaderField[];
  /** The body of an answer that is not that of an upstream, while its form is written. */
  readonly body?: string;
  /** The answer of the last hop to the request for the tunnel. */
  readonly hopAnswer?: Pick<HopAnswer, 'status' | 'headers'> | undefined;
  /** The trailers of the last hop at the end of the tunnel. */
  readonly hopTrailers?: readonly HeaderField[] | undefined;
  /** The kind of log entry, in Envoy's words: `TcpConnectionEnd`, `DownstreamEnd`. */
  readonly kind?: string;
}

/** Reads the value of an operator; `undefined` if it is unknown. */
export type Read = (facts: FormatFacts) => string | number | TypedValue | undefined;

/**
 * Makes the reader of an operator from the text in its brackets.
 * @throws {TunlError} usage
 */
type Operator = (args: string | undefined) => Read;

/** Makes an operator without brackets. */
function plain(read: Read): Operator {
  return (args) => {
    if (args !== undefined) throw usageError('it has no parameters in brackets');
    return read;
  };
}

/** An operator whose value only Envoy has. */
const unknown: Operator = () => () => undefined;

const hostOf = (address: Address | undefined) => (address?.kind === 'tcp' ? address.host : textOf(address));
const portOf = (address: Address | undefined) => (address?.kind === 'tcp' ? address.port : undefined);
const textOf = (address: Address | undefined) => address && formatAddress(address);

function addressOperators(prefix: string, find: (origin: Origin) => Address | undefined): [string, Operator][] {
  return [
    [prefix, plain(({ origin }) => textOf(find(origin)))],
    [`${prefix}_WITHOUT_PORT`, plain(({ origin }) => hostOf(find(origin)))],
  ];
}

const remote = (origin: Origin) => origin.peer.address;
const local = (origin: Origin) => origin.peer.reached;
const directRemote = ({ peer }: Origin) => (peer.direct ?? peer).address;
const directLocal = ({ peer }: Origin) => (peer.direct ?? peer).reached;

/** Makes an operator for `X?Y`: the first of two fields that is present. */
function fieldOperator(find: (facts: FormatFacts, name: string) => string | undefined): Operator {
  return (args = '') => {
    const names = args.split('?').map((name) => name.toLowerCase());
    if (names.length > 2 || !names.every((name) => /^:?[!#$%&'*+.^_`|~\da-z-]+$/.test(name))) {
      throw usageError('it takes the names of one or two fields: (X) or (X?Y)');
    }
    // Credentials are never written; those in an answer are in `set-cookie`.
    const allowed = names.filter((name) => !isSecretField(name) && name !== 'set-cookie');
    return (facts) => {
      for (const name of allowed) {
        const value = find(facts, name);
        if (value !== undefined) return value;
      }
      return undefined;
    };
  };
}

function findField(fields: readonly HeaderField[] | undefined, name: string): string | undefined {
  const values = fields?.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value) ?? [];
  return values.length > 0 ? values.join(',') : undefined;
}

function findAsked({ origin: { request, headers } }: FormatFacts, name: string): string | undefined {
  if (!name.startsWith(':')) return findField(headers, name);
  if (!request) return undefined;
  const { method, target, authority } = request;
  if (name === ':method') return method;
  if (method === 'CONNECT') return name === ':authority' ? target : undefined;
  if (name === ':authority') return authority || undefined;
  return name === ':path' ? target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '') || '/' : undefined;
}

const startTime: Operator = (form = '') => {
  const write = parseTimeForm(form);
  return ({ began }) => write(new Date(began));
};

/** An operator for a variable of the environment. The name is known when the text is read, and so is the value. */
const variable: Operator = (name = '') => {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw usageError('it takes the name of a variable: (X)');
  const value = process.env[name];
  return () => value;
};

/** The name under which Envoy keeps the answer of a proxy to the request for a tunnel. */
const hopAnswerName = 'envoy.tcp_proxy.propagate_response_headers';

/** The name under which Envoy keeps the trailers of that answer. */
const hopTrailersName = 'envoy.tcp_proxy.propagate_response_trailers';

/** True if a text writes the answer of the last hop to the request for a tunnel. */
export function writesHopAnswer(text: string): boolean {
  return text.includes(`%FILTER_STATE(${hopAnswerName}`);
}

/** True if a text writes the trailers of the last hop at the end of the tunnel. */
export function writesHopTrailers(text: string): boolean {
  return text.includes(`%FILTER_STATE(${hopTrailersName}`);
}

/** Writes fields of a hop as Envoy does, without what lets somebody in. */
function formatHopFields(fields: readonly HeaderField[]): TypedValue {
  const written = fields
    .map(([key, value]) => ({ key: key.toLowerCase(), value }))
    .filter(({ key }) => !isSecretField(key) && key !== 'set-cookie');
  return new TypedValue({ headers: written });
}

/** The values that Envoy keeps of a hop, by name. They have no form but the typed one. */
const hopValues: ReadonlyMap<string, (facts: FormatFacts) => TypedValue | undefined> = new Map([
  [
    hopAnswerName,
    ({ hopAnswer }: FormatFacts) =>
      hopAnswer && formatHopFields([[':status', String(hopAnswer.status)], ...hopAnswer.headers]),
  ],
  [hopTrailersName, ({ hopTrailers }: FormatFacts) => hopTrailers && formatHopFields(hopTrailers)],
]);

/** An operator for a value that a stage has set: `NAME:PLAIN`, or as a text in JSON, which is `NAME` or `NAME:TYPED`. */
const stateOperator: Operator = (args = '') => {
  const [name = '', form = 'TYPED'] = args.split(':');
  if (name === '') throw usageError('it takes the name of a value: (NAME:PLAIN)');
  const ofHop = hopValues.get(name);
  if (ofHop) return form === 'TYPED' ? ofHop : () => undefined;
  return ({ origin: { state } }) => {
    const value = state?.get(name)?.value;
    if (value === undefined || form === 'PLAIN') return value;
    return form === 'TYPED' ? new TypedValue(value) : undefined;
  };
};

/** Operators of Envoy that are accepted, but whose values are unknown here. */
const silent = `
  REQUEST_DURATION REQUEST_TX_DURATION RESPONSE_DURATION RESPONSE_TX_DURATION DOWNSTREAM_HANDSHAKE_DURATION
  ROUNDTRIP_DURATION COMMON_DURATION UPSTREAM_CONNECTION_POOL_READY_DURATION
  UPSTREAM_WIRE_BYTES_SENT UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HEADER_BYTES_RECEIVED
  DOWNSTREAM_WIRE_BYTES_SENT DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_HEADER_BYTES_RECEIVED
  DOWNSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_PORT
  UPSTREAM_REMOTE_PORT UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_HOST_NAME UPSTREAM_PROTOCOL
  UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_TLS_VERSION UPSTREAM_TLS_CIPHER UPSTREAM_PEER_SUBJECT UPSTREAM_CLUSTER_RAW
  REQUEST_HEADERS_BYTES RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES RESPONSE_FLAGS_LONG GRPC_STATUS GRPC_STATUS_NUMBER
  TRAILER DYNAMIC_METADATA CLUSTER_METADATA UPSTREAM_METADATA METADATA UPSTREAM_FILTER_STATE FILTER_CHAIN_NAME
  VIRTUAL_CLUSTER_NAME EMIT_TIME UNIQUE_ID TRACE_ID QUERY_PARAM PATH CUSTOM_FLAGS
  DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_SERIAL
  DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_PEER_CERT TLS_JA3_FINGERPRINT
  DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_OTHERNAME_SAN
  DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_EMAIL_SAN START_TIME_LOCAL EMIT_TIME_LOCAL
  DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END DOWNSTREAM_PEER_FINGERPRINT_1 TLS_JA4_FINGERPRINT
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_LOCAL_CLOSE_REASON
  UPSTREAM_PEER_CERT UPSTREAM_PEER_ISSUER UPSTREAM_PEER_URI_SAN UPSTREAM_PEER_DNS_SAN UPSTREAM_LOCAL_URI_SAN
  UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_CERT_V_END UPSTREAM_TLS_SESSION_ID UPSTREAM_DETECTED_CLOSE_TYPE
  UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_LOCAL_CLOSE_REASON
  UPSTREAM_CONNECTION_IDS_ATTEMPTED`;

/** All operators, by name. */
export const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...silent
    .trim()
    .split(/\s+/)
    .map((name) => [name, unknown] as const),
  ['START_TIME', startTime],
  ['DURATION', plain(({ ms }) => ms)],
  ['BYTES_RECEIVED', plain(({ sent }) => sent)],
  ['BYTES_SENT', plain(({ received }) => received)],
  ['RESPONSE_CODE', plain(({ status }) => status)],
  ['RESPONSE_CODE_DETAILS', plain(({ details }) => details)],
  ['LOCAL_REPLY_BODY', plain(({ body }) => body)],
  ['RESPONSE_FLAGS', plain(({ flags = '-' }) => flags)],
  ['CONNECTION_TERMINATION_DETAILS', plain(({ termination }) => termination)],
  ['UPSTREAM_TRANSPORT_FAILURE_REASON', plain(({ failure }) => failure)],
  ['UPSTREAM_HOST', plain(({ upstream }) => upstream)],
  ['UPSTREAM_REMOTE_ADDRESS', plain(({ upstream }) => upstream)],
  ['UPSTREAM_CLUSTER', plain(({ cluster }) => cluster)],
  ...addressOperators('DOWNSTREAM_REMOTE_ADDRESS', remote),
  ...addressOperators('DOWNSTREAM_DIRECT_REMOTE_ADDRESS', directRemote),
  ...addressOperators('DOWNSTREAM_LOCAL_ADDRESS', local),
  ...addressOperators('DOWNSTREAM_DIRECT_LOCAL_ADDRESS', directLocal),
  ['DOWNSTREAM_REMOTE_PORT', plain(({ origin }) => portOf(remote(origin)))],
  ['DOWNSTREAM_DIRECT_REMOTE_PORT', plain(({ origin }) => portOf(directRemote(origin)))],
  ['DOWNSTREAM_LOCAL_PORT', plain(({ origin }) => portOf(local(origin)))],
  ['DOWNSTREAM_DIRECT_LOCAL_PORT', plain(({ origin }) => portOf(directLocal(origin)))],
  ['DOWNSTREAM_TLS_VERSION', plain(({ origin }) => origin.peer.tls?.protocol)],
  ['DOWNSTREAM_TLS_CIPHER', plain(({ origin }) => origin.peer.tls?.cipher)],
  ['DOWNSTREAM_PEER_SUBJECT', plain(({ origin }) => origin.peer.tls?.subject)],
  ['REQUESTED_SERVER_NAME', plain(({ origin: { peer } }) => peer.tls?.serverName ?? peer.serverName)],
  ['FILTER_STATE', stateOperator],
  ['REQ', fieldOperator(findAsked)],
  [
    'RESP',
    fieldOperator(({ answer, status }, name) => (name === ':status' ? statusText(status) : findField(answer, name))),
  ],
  ['PROTOCOL', plain(({ origin: { request } }) => request && `HTTP/${request.version}`)],
  ['CONNECTION_ID', plain(({ origin }) => origin.peer.connection ?? 0)],
  ['UPSTREAM_CONNECTION_ID', plain(({ upstreamConnection = 0 }) => upstreamConnection)],
  ['STREAM_ID', plain(({ id }) => id)],
  ['ENVIRONMENT', variable],
  ['HOSTNAME', plain(() => hostname())],
  ['ROUTE_NAME', plain(({ route }) => route)],
  ['ACCESS_LOG_TYPE', plain(({ kind }) => kind)],
]);

function statusText(status: number | undefined): string | undefined {
  return status ? String(status) : undefined;
}
