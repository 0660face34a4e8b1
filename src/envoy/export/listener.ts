import { type AccessLog, listRoutesOut, listScreens, type Stage } from '../../chain/model/graph.ts';
import { isChosenByName, looksAtHello } from '../../chain/model/chosen.ts';
import type { LogFilter, LogTest } from '../../chain/model/log-filter.ts';
import { listRules } from '../../chain/model/screen.ts';
import { toStateFilters } from './filter-state.ts';
import { toFieldMatch } from './field-match.ts';
import { toConnectionFilters } from './rbac.ts';
import { toListenerSocket } from './tls.ts';
import { toAddress, type Tree, typed } from './terms.ts';

/** Makes a listener with one filter that takes all connections, behind those that let connections pass. */
export function toListener(stage: Stage, filter: Tree, alpn: readonly string[] = []): Tree {
  const { name, listen, tls, acceptProxyProtocol } = stage;
  const [address] = listen;
  const isInside = address?.kind === 'internal';
  const state = stage.job === 'forward' ? stage.state : undefined;
  const filters = [...toConnectionFilters(stage), ...toStateFilters(state, 'network'), filter];
  const early = [
    ...(acceptProxyProtocol ? [toHeaderFilter(acceptProxyProtocol)] : []),
    ...(isServerNameAsked(stage) ? [inspector] : []),
  ];
  return {
    name,
    ...(isInside ? { internal_listener: {} } : address && { address: toAddress(address) }),
    ...(early.length > 0 && { listener_filters: early }),
    filter_chains: [{ filters, ...(tls && { transport_socket: toListenerSocket(tls, alpn) }) }],
  };
}

/** Makes the filter that reads the PROXY header. */
function toHeaderFilter(need: 'required' | 'optional'): Tree {
  return {
    name: 'envoy.filters.listener.proxy_protocol',
    typed_config: typed(
      'filters.listener.proxy_protocol.v3.ProxyProtocol',
      need === 'optional' ? { allow_requests_without_proxy_protocol: true } : {},
    ),
  };
}

/** Finds PROXY headers that Envoy does not read or write at the same place. */
export function* findInHeaders(stage: Stage): Generator<readonly [message: string, hint: string]> {
  const isInside = stage.listen.some(({ kind }) => kind === 'internal');
  if (stage.acceptProxyProtocol && isInside)
    yield ['it reads PROXY headers at addresses of the system', 'leave accept-proxy-protocol to the outer stage'];
  const most = stage.job === 'forward' ? 1 : 0;
  const isFar = listRoutesOut(stage).some(
    ({ route }) => route.sendProxyProtocol && (isInside || route.entry || route.hops.length > most),
  );
  if (!isFar) return;
  yield [
    'it sends PROXY headers where the stage that clients connect to opens the connection',
    'leave send-proxy-protocol out, or the proxies and stages before it',
  ];
}

/** The filter without which Envoy knows no server name. */
const inspector = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: typed('filters.listener.tls_inspector.v3.TlsInspector'),
};

/** True if a rule or a value of the stage looks at the server name that clients ask for in TLS. */
function isServerNameAsked(stage: Stage): boolean {
  if (stage.job === 'forward' && (looksAtHello(stage) || isChosenByName(stage))) return true;
  return stage.tls !== undefined && listRules(listScreens(stage)).some(({ kind }) => kind === 'server-name');
}

/** Makes the `access_log` field of a filter. */
export function toAccessLogs(logs: readonly AccessLog[] = []): Tree {
  if (logs.length === 0) return {};
  return { access_log: logs.map(toAccessLog) };
}

/** Envoy's own loggers for streams. Opening these paths as files fails if they are sockets. */
const streams = new Map([
  ['/dev/stdout', { name: 'envoy.access_loggers.stdout', message: 'access_loggers.stream.v3.StdoutAccessLog' }],
  ['/dev/stderr', { name: 'envoy.access_loggers.stderr', message: 'access_loggers.stream.v3.StderrAccessLog' }],
]);

function toAccessLog({ path, format, when }: AccessLog): Tree {
  const stream = streams.get(path);
  const form = format !== undefined && { log_format: toFormat(format) };
  const filter = when && { filter: toLogFilter(when) };
  if (stream) return { name: stream.name, ...filter, typed_config: typed(stream.message, { ...form }) };
  return {
    name: 'envoy.access_loggers.file',
    ...filter,
    typed_config: typed('access_loggers.file.v3.FileAccessLog', { path, ...form }),
  };
}

/** Makes the filter of a log: all conditions of one list. */
function toLogFilter(when: LogFilter): Tree {
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
