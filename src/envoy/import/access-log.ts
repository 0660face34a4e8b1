import { resolve } from 'node:path';
import type { Path } from '../../chain/read/document.ts';
import type { AccessLog } from '../../chain/model/graph.ts';
import type { AccessLogMessage } from '../schema/access-log.ts';
import { parseFormat } from '../../syntax/format/format.ts';
import { assertAtMostOne } from './one-of.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

type LoggerMessage = AccessLogMessage[number]['typed_config'];

const streams = {
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': '/dev/stdout',
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': '/dev/stderr',
} as const;

/**
 * Reads the access logs of a filter.
 * @param cluster the only cluster of the filter, if it has one; its name replaces `%UPSTREAM_CLUSTER%`
 */
export function readAccessLogs(
  words: AccessLogMessage | undefined,
  path: Path,
  reading: BootstrapDiagnostics,
  cluster?: string,
): { readonly accessLogs?: readonly AccessLog[] } {
  if (!words || words.length === 0) return {};
  return {
    accessLogs: words.map(({ typed_config: log }, index) =>
      readAccessLog(log, [...path, index, 'typed_config'], reading, cluster),
    ),
  };
}

function readAccessLog(
  words: LoggerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
  cluster: string | undefined,
): AccessLog {
  const written = readFormat(words, path, reading);
  if (written) checkFormat(written.format, [...path, ...written.at], reading);
  const format = written && mapFormat(written.format, (text) => nameCluster(text, cluster));
  const file = 'path' in words ? words.path : streams[words['@type'] as keyof typeof streams];
  return { path: resolve(file), ...(format !== undefined && format !== '' && { format }) };
}

type Format = NonNullable<AccessLog['format']>;

/** A format with its position in the message of the logger. */
interface WrittenFormat {
  readonly format: Format;
  readonly at: Path;
}

function readFormat(words: LoggerMessage, path: Path, reading: BootstrapDiagnostics): WrittenFormat | undefined {
  const { log_format: form } = words;
  if ('path' in words) {
    assertAtMostOne(path, words, ['log_format', 'format', 'json_format', 'typed_json_format'], reading);
    for (const key of ['format', 'json_format', 'typed_json_format'] as const) {
      const format = words[key];
      if (format !== undefined) return { format, at: [key] };
    }
  }
  if (!form) return undefined;
  assertAtMostOne([...path, 'log_format'], form, ['text_format', 'text_format_source', 'json_format'], reading);
  const { text_format: text, text_format_source: source, json_format: json } = form;
  if (text !== undefined) return { format: text, at: ['log_format', 'text_format'] };
  if (json !== undefined) return { format: json, at: ['log_format', 'json_format'] };
  const inline = source?.inline_string;
  return inline === undefined
    ? undefined
    : { format: inline, at: ['log_format', 'text_format_source', 'inline_string'] };
}

function checkFormat(format: Format, at: Path, reading: BootstrapDiagnostics): void {
  if (typeof format === 'string') return void reading.attempts.run(at, () => parseFormat(format));
  for (const [name, text] of Object.entries(format)) reading.attempts.run([...at, name], () => parseFormat(text));
}

function mapFormat(format: Format, map: (text: string) => string): Format {
  if (typeof format === 'string') return map(format);
  return Object.fromEntries(Object.entries(format).map(([name, text]) => [name, map(text)]));
}

function nameCluster(text: string, cluster: string | undefined): string {
  if (cluster === undefined) return text;
  const name = cluster.replaceAll('%', '%%');
  return text.replaceAll(/%%|%UPSTREAM_CLUSTER%/g, (found) => (found === '%%' ? found : name));
}
