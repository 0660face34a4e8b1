import type { AccessLog, RouteOptions } from '../chain/model.ts';
import { type Address, formatAddress } from '../core/address.ts';
import type { Origin } from '../core/dialer.ts';
import type { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import type { RelayEnd } from '../relay/relay.ts';
import type { LogFiles } from '../telemetry/access-log.ts';
import { defaultFormat, type FormatFacts, parseFormat, writeLine, writeObject } from '../words/format.ts';
import { describeBytesFailure, describeEnd, describeRequestFailure } from './access-end.ts';
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
