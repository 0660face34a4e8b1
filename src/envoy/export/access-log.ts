import type { AccessLog } from '../../chain/model/graph.ts';
import { type LogFilter, type LogMoment, logMoments, type LogTest } from '../../chain/model/log-filter.ts';
import { toFieldMatch } from './field-match.ts';
import { type Tree, typed } from './terms.ts';

/** What the entries of a filter are called, and the switches for those before the end. */
interface LogTerms {
  readonly types: Readonly<Record<LogMoment, string>>;
  readonly switches: Readonly<Record<'asked' | 'opened', string>>;
}

/** The entries of a TcpProxy. */
export const tcpLogs: LogTerms = {
  types: { asked: 'TcpConnectionStart', opened: 'TcpUpstreamConnected', ended: 'TcpConnectionEnd' },
  switches: { asked: 'flush_access_log_on_start', opened: 'flush_access_log_on_connected' },
};

/** The entries of an HttpConnectionManager. */
export const httpLogs: LogTerms = {
  types: { asked: 'DownstreamStart', opened: 'DownstreamTunnelSuccessfullyEstablished', ended: 'DownstreamEnd' },
  switches: {
    asked: 'flush_access_log_on_new_request',
    opened: 'flush_log_on_tunnel_successfully_established',
  },
};

/** Makes the fields of a filter that are about access logs. */
export function toAccessLogs(logs: readonly AccessLog[] = [], { types, switches }: LogTerms): Tree {
  if (logs.length === 0) return {};
  const wanted = new Set(logs.flatMap(({ at = ['ended'] }) => at)).add('ended');
  const moments = logMoments.filter((moment) => wanted.has(moment));
  const early = moments.filter((moment) => moment !== 'ended');
  // A filter writes to all of its logs at each moment; those that do not want a line say so.
  const toTypes = ({ at = ['ended'] }: AccessLog) =>
    at.length < moments.length ? [{ log_type_filter: { types: at.map((moment) => types[moment]) } }] : [];
  return {
    ...(early.length > 0 && {
      access_log_options: Object.fromEntries(early.map((moment) => [switches[moment], true])),
    }),
    access_log: logs.map((log) => toAccessLog(log, toTypes(log))),
  };
}

/** Envoy's own loggers for streams. Opening these paths as files fails if they are sockets. */
const streams = new Map([
  ['/dev/stdout', { name: 'envoy.access_loggers.stdout', message: 'access_loggers.stream.v3.StdoutAccessLog' }],
  ['/dev/stderr', { name: 'envoy.access_loggers.stderr', message: 'access_loggers.stream.v3.StderrAccessLog' }],
]);

function toAccessLog({ path, format, when }: AccessLog, ofTypes: readonly Tree[]): Tree {
  const stream = streams.get(path);
  const form = format !== undefined && { log_format: toFormat(format) };
  const filters = [...ofTypes, ...(when ? [toLogFilter(when)] : [])];
  const filter = filters.length > 0 && { filter: joinFilters('and_filter', filters) };
  if (stream) return { name: stream.name, ...filter, typed_config: typed(stream.message, { ...form }) };
  return {
    name: 'envoy.access_loggers.file',
    ...filter,
    typed_config: typed('access_loggers.file.v3.FileAccessLog', { path, ...form }),
  };
}

/** Makes the filter of a log: all conditions of one list. */
export function toLogFilter(when: LogFilter): Tree {
  return joinFilters(
    'or_filter',
    when.map((tests) => joinFilters('and_filter', tests.map(toTestFilter))),
  );
}

/** Joins filters, of which Envoy wants two at least. */
function joinFilters(kind: 'or_filter' | 'and_filter', filters: readonly Tree[]): Tree {
  const [first] = filters;
  return first && filters.length === 1 ? first : { [kind]: { filters } };
}

const operators = { '=': 'EQ', '>=': 'GE', '<=': 'LE', '!=': 'NE' } as const;

function toTestFilter(test: LogTest): Tree {
  switch (test.kind) {
    case 'status':
    case 'took': {
      const comparison = { op: operators[test.compare], value: { default_value: test.value } };
      return { [test.kind === 'status' ? 'status_code_filter' : 'duration_filter']: { comparison } };
    }
    case 'flags':
      return { response_flag_filter: test.flags.length > 0 ? { flags: test.flags } : {} };
    case 'field':
      return { header_filter: { header: toFieldMatch(test.field) } };
  }
}

function toFormat(format: NonNullable<AccessLog['format']>): Tree {
  return typeof format === 'string' ? { text_format_source: { inline_string: format } } : { json_format: format };
}
