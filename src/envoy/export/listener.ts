import type { AccessLog, Stage } from '../../chain/model/graph.ts';
import { toListenerSocket } from './tls.ts';
import { toAddress, type Tree, typed } from './terms.ts';

/** Makes a listener with a single filter for all connections. */
export function toListener(stage: Stage, filter: Tree, alpn: readonly string[] = []): Tree {
  const { name, listen, tls } = stage;
  const [address] = listen;
  const isInside = address?.kind === 'internal';
  return {
    name,
    ...(isInside ? { internal_listener: {} } : address && { address: toAddress(address) }),
    filter_chains: [{ filters: [filter], ...(tls && { transport_socket: toListenerSocket(tls, alpn) }) }],
  };
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

function toAccessLog({ path, format }: AccessLog): Tree {
  const stream = streams.get(path);
  const form = format !== undefined && { log_format: toFormat(format) };
  if (stream) return { name: stream.name, typed_config: typed(stream.message, { ...form }) };
  return {
    name: 'envoy.access_loggers.file',
    typed_config: typed('access_loggers.file.v3.FileAccessLog', { path, ...form }),
  };
}

function toFormat(format: NonNullable<AccessLog['format']>): Tree {
  return typeof format === 'string' ? { text_format_source: { inline_string: format } } : { json_format: format };
}
