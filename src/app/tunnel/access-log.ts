import type { AccessLog, RouteOptions } from '../../chain/model/graph.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import type { LogMoment } from '../../chain/model/log-filter.ts';
import type { HopAnswer, Origin } from '../../core/dialer.ts';
import type { ErrorCode, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { RelayEnd } from '../../relay/terms.ts';
import type { LogFiles } from '../../telemetry/access-log.ts';
import { defaultFormat, type FormatFacts, parseFormat, writeLine, writeObject } from '../../syntax/format/format.ts';
import { passesFilter } from './log-filter.ts';
import type { Tunnel } from './tunnels.ts';

/** The facts about a tunnel or request at one moment of its life. */
export interface AccessEntry {
  /** Its end, if nothing else is said. */
  readonly at?: LogMoment;
  readonly tunnel: Pick<Tunnel, 'id' | 'started' | 'handle' | 'hasExpired'>;
  readonly origin: Origin;
  /** The status that the client was answered with, if it speaks HTTP. */
  readonly status?: number;
  /** The fields of that answer. */
  readonly answer?: readonly HeaderField[];
  /** The name of the upstream or stage that it went to, and the address. */
  readonly cluster?: string;
  readonly place?: string;
  /** The number of the connection to that address. */
  readonly connection?: number | undefined;
  /** The answer of the last hop to the request for the tunnel, where a log writes it. */
  readonly hopAnswer?: HopAnswer | undefined;
  /** The trailers of the last hop at the end of the tunnel, where a log writes them. */
  readonly hopTrailers?: readonly HeaderField[] | undefined;
  /** The end of a tunnel or request that came up. */
  readonly result?: RelayEnd;
  /** The reason why it did not come up. */
  readonly failure?: TunlError;
}

/** Writes an entry about a tunnel or request to those access logs of a stage that have lines at its moment. */
export type WriteAccess = (entry: AccessEntry) => void;

/**
 * Makes the function that writes to the access logs of a stage; returns `undefined` if the stage has none. A stage that
 * moves bytes logs no facts about requests.
 * @throws {TunlError} usage, if a format contains an unknown operator
 */
export function createAccessLog(
  logs: readonly AccessLog[] | undefined,
  files: LogFiles,
  speaks: 'bytes' | 'http',
): WriteAccess | undefined {
  if (!logs || logs.length === 0) return undefined;
  const writers = logs.map(({ path, format, when, at = ['ended'] }) => ({
    file: files.get(path),
    toLine: createWriter(format),
    when,
    at,
  }));
  return (entry) => {
    const { at: moment = 'ended' } = entry;
    if (!writers.some(({ at }) => at.includes(moment))) return;
    const facts = toFacts(entry, moment, speaks);
    for (const { file, toLine, when, at } of writers) {
      if (at.includes(moment) && (!when || passesFilter(when, facts))) file.write(toLine(facts));
    }
  };
}

/** Formats the first address on a route, the one that sockets are opened to, as logs name it. */
export function nearestPlace({ entry, hops }: RouteOptions, target: Address): string {
  const first = hops[0]?.[0];
  return formatAddress(entry ?? (first && !first.chooser ? first.address : target));
}

function createWriter(format: AccessLog['format'] = defaultFormat): (facts: FormatFacts) => string {
  if (typeof format === 'string') {
    const line = parseFormat(format.replace(/\n$/, ''));
    return (facts) => writeLine(line, facts);
  }
  const members = Object.entries(format).map(([name, text]) => [name, parseFormat(text)] as const);
  return (facts) => writeObject(members, facts);
}

/** The types of entries in Envoy's words. */
const kinds = {
  bytes: { asked: 'TcpConnectionStart', opened: 'TcpUpstreamConnected', ended: 'TcpConnectionEnd' },
  http: { asked: 'DownstreamStart', opened: 'DownstreamTunnelSuccessfullyEstablished', ended: 'DownstreamEnd' },
} as const;

function toFacts(entry: AccessEntry, moment: LogMoment, speaks: 'bytes' | 'http'): FormatFacts {
  const { tunnel, origin, status = 0, answer, cluster, place, connection, hopAnswer, hopTrailers, failure } = entry;
  const { id, started, handle } = tunnel;
  const ms = Math.round(performance.now() - started);
  const describeFailure = speaks === 'http' ? describeRequestFailure : describeBytesFailure;
  return {
    id,
    origin: speaks === 'http' ? origin : { peer: origin.peer, state: origin.state },
    began: Date.now() - ms,
    ms,
    sent: handle?.sent ?? 0,
    received: handle?.received ?? 0,
    status,
    ...(place !== undefined && { upstream: place }),
    ...(connection !== undefined && { upstreamConnection: connection }),
    ...(cluster !== undefined && { cluster }),
    ...(answer && { answer }),
    hopAnswer,
    hopTrailers,
    ...(failure ? describeFailure(failure) : moment !== 'asked' && describeEnd(entry, speaks)),
    kind: kinds[speaks][moment],
  };
}

/** The outcome of a tunnel or request in the terms of Envoy. */
type End = Pick<FormatFacts, 'flags' | 'details' | 'termination' | 'failure'>;

/** The failure that Envoy reports for a refused connection. */
const refused = 'delayed_connect_error:_Connection_refused';

/** The failures of requests for which Envoy has its own terms. */
const ofRequests: Partial<Record<ErrorCode, End>> = {
  http_request_error: { details: 'http_request_error' },
  http_request_denied: { details: 'upgrade_failed' },
  http_response_timeout: { flags: 'UT', details: 'response_timeout' },
  http_protocol_error: { flags: 'UPE', details: 'upstream_reset_before_response_started{protocol_error}' },
  tunnel_idle: { flags: 'SI', details: 'stream_idle_timeout' },
  tunnel_truncated: { details: 'max_duration_timeout' },
  destination_unavailable: { flags: 'UH', details: 'no_healthy_upstream' },
  dns_error: { flags: 'UH', details: 'no_healthy_upstream' },
};

/** Adds the outcome of a request that a stage refuses to what is known of it. */
export function describeRefused(facts: FormatFacts, failure: TunlError): FormatFacts {
  return { ...facts, ...describeRequestFailure(failure) };
}

/** Describes a failure on a stage that speaks HTTP. */
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

/** Describes a failure on a stage that moves bytes. */
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

/** Describes the end of a tunnel or request that came up. */
function describeEnd({ tunnel, result, place }: AccessEntry, speaks: 'bytes' | 'http'): End {
  if (!result || result.end === 'clean')
    return speaks === 'http' ? { details: place ? 'via_upstream' : 'direct_response' } : {};
  const { end, side } = result;
  if (tunnel.hasExpired) {
    return speaks === 'http'
      ? { details: 'max_duration_timeout' }
      : { flags: 'DT', termination: 'max_downstream_connection_duration' };
  }
  if (speaks === 'bytes') return { termination: end === 'reset' ? `${side}_reset` : end };
  if (end === 'idle') return { flags: 'SI', details: 'stream_idle_timeout' };
  if (end !== 'reset') return { details: end };
  return side === 'client'
    ? { flags: 'DC', details: 'downstream_remote_disconnect' }
    : { flags: 'UC', details: 'upstream_reset_after_response_started{connection_termination}' };
}
