import type { AccessLog, RouteOptions } from '../../chain/model/graph.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import type { Origin } from '../../core/dialer.ts';
import type { ErrorCode, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { RelayEnd } from '../../relay/relay.ts';
import type { LogFiles } from '../../telemetry/access-log.ts';
import { defaultFormat, type FormatFacts, parseFormat, writeLine, writeObject } from '../../syntax/format/format.ts';
import type { Tunnel } from './tunnels.ts';

/** What a stage knows of a tunnel or request that is over. */
export interface AccessEntry {
  readonly tunnel: Pick<Tunnel, 'id' | 'started' | 'handle' | 'hasExpired'>;
  readonly origin: Origin;
  /** Status that the client was answered with, where it speaks HTTP. */
  readonly status?: number;
  /** Fields of that answer. */
  readonly answer?: readonly HeaderField[];
  /** Name of what it went to, and the address. */
  readonly cluster?: string;
  readonly place?: string;
  /** How it ended, where it came up. */
  readonly result?: RelayEnd;
  /** Why it did not come up. */
  readonly failure?: TunlError;
}

/** Writes to the access logs of a stage what there is to write about something that is over. */
export type WriteAccess = (entry: AccessEntry) => void;

/**
 * Makes what writes to the access logs of a stage; nothing where it has none. A stage that moves bytes knows of no request.
 * @throws {TunlError} usage, when a format has what is no operator
 */
export function createAccessLog(
  logs: readonly AccessLog[] | undefined,
  files: LogFiles,
  speaks: 'bytes' | 'http',
): WriteAccess | undefined {
  if (!logs || logs.length === 0) return undefined;
  const writers = logs.map(({ path, format }) => ({ file: files.get(path), toLine: createWriter(format) }));
  return (entry) => {
    const facts = toFacts(entry, speaks);
    for (const { file, toLine } of writers) file.write(toLine(facts));
  };
}

/** The first place that a way leads to, as a log names it: what the sockets are opened to. */
export function nearestPlace({ entry, hops }: RouteOptions, target: Address): string {
  return formatAddress(entry ?? hops[0]?.[0]?.address ?? target);
}

function createWriter(format: AccessLog['format'] = defaultFormat): (facts: FormatFacts) => string {
  if (typeof format === 'string') {
    const line = parseFormat(format.replace(/\n$/, ''));
    return (facts) => writeLine(line, facts);
  }
  const members = Object.entries(format).map(([name, text]) => [name, parseFormat(text)] as const);
  return (facts) => writeObject(members, facts);
}

function toFacts(entry: AccessEntry, speaks: 'bytes' | 'http'): FormatFacts {
  const { tunnel, origin, status = 0, answer, cluster, place, failure } = entry;
  const { id, started, handle } = tunnel;
  const ms = Math.round(performance.now() - started);
  const describeFailure = speaks === 'http' ? describeRequestFailure : describeBytesFailure;
  return {
    id,
    origin: speaks === 'http' ? origin : { peer: origin.peer },
    began: Date.now() - ms,
    ms,
    sent: handle?.sent ?? 0,
    received: handle?.received ?? 0,
    status,
    ...(place !== undefined && { upstream: place }),
    ...(cluster !== undefined && { cluster }),
    ...(answer && { answer }),
    ...(failure ? describeFailure(failure) : describeEnd(entry, speaks)),
    kind: speaks === 'http' ? 'DownstreamEnd' : 'TcpConnectionEnd',
  };
}

/** How something went, in the words of Envoy. */
type End = Pick<FormatFacts, 'flags' | 'details' | 'termination' | 'failure'>;

/** What Envoy says where nobody listens. */
const refused = 'delayed_connect_error:_Connection_refused';

/** Failures of requests that have words of their own. */
const ofRequests: Partial<Record<ErrorCode, End>> = {
  http_request_error: { details: 'http_request_error' },
  http_request_denied: { details: 'upgrade_failed' },
  http_response_timeout: { flags: 'UT', details: 'response_timeout' },
  http_protocol_error: { flags: 'UPE', details: 'upstream_reset_before_response_started{protocol_error}' },
  tunnel_idle: { flags: 'SI', details: 'stream_idle_timeout' },
  tunnel_truncated: { flags: 'DT', details: 'max_duration_timeout' },
  destination_unavailable: { flags: 'UH', details: 'no_healthy_upstream' },
  dns_error: { flags: 'UH', details: 'no_healthy_upstream' },
};

/** What did not come up, on a stage that looks at requests. */
function describeRequestFailure(error: TunlError): End {
  const { code, facts, side } = error;
  if (facts.status === 404) return { flags: 'NR', details: 'route_not_found' };
  if (side === 'client' && code === 'connection_terminated') {
    return { flags: 'DC', details: 'downstream_remote_disconnect' };
  }
  if (side === 'self' && code === 'interrupted') return {};
  const known = ofRequests[code];
  if (known) return known;
  const failure = describeFailure(error);
  return {
    flags: 'UF',
    details: `upstream_reset_before_response_started{remote_connection_failure|${failure}}`,
    failure,
  };
}

/** What did not come up, on a stage that moves bytes. */
function describeBytesFailure(error: TunlError): End {
  const { code, side } = error;
  if (code === 'interrupted' || code === 'tunnel_idle' || (side === 'client' && code === 'connection_terminated')) {
    return { termination: code };
  }
  if (code === 'tunnel_truncated') return { flags: 'DT', termination: 'max_downstream_connection_duration' };
  if (code === 'dns_error') return { flags: 'UH', failure: code };
  return { flags: 'UF,URX', failure: describeFailure(error) };
}

function describeFailure({ code, facts }: TunlError): string {
  if (facts.received !== undefined) return `tunnel_response:${facts.received}`;
  return code === 'connection_refused' ? refused : code;
}

/** What was up, and has ended. */
function describeEnd({ tunnel, result, place }: AccessEntry, speaks: 'bytes' | 'http'): End {
  if (!result || result.end === 'clean')
    return speaks === 'http' ? { details: place ? 'via_upstream' : 'direct_response' } : {};
  const { end, side } = result;
  if (tunnel.hasExpired) {
    return speaks === 'http'
      ? { flags: 'DT', details: 'max_duration_timeout' }
      : { flags: 'DT', termination: 'max_downstream_connection_duration' };
  }
  if (speaks === 'bytes') return { termination: end === 'reset' ? `${side}_reset` : end };
  if (end === 'idle') return { flags: 'SI', details: 'stream_idle_timeout' };
  if (end !== 'reset') return { details: end };
  return side === 'client'
    ? { flags: 'DC', details: 'downstream_remote_disconnect' }
    : { flags: 'UC', details: 'upstream_reset_after_response_started{connection_termination}' };
}
