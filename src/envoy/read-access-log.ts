import { resolve } from 'node:path';
import type { Path } from '../chain/document.ts';
import type { AccessLog } from '../chain/model.ts';
import type { AccessLogWords } from './forms/access-log.ts';
import { assertAtMostOne } from './one-of.ts';
import type { Reading } from './reading.ts';

type LoggerWords = AccessLogWords[number]['typed_config'];

const streams = {
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': '/dev/stdout',
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': '/dev/stderr',
} as const;

/** The access logs of a filter. */
export function readAccessLogs(
  words: AccessLogWords | undefined,
  path: Path,
  reading: Reading,
): { readonly accessLogs?: readonly AccessLog[] } {
  if (!words || words.length === 0) return {};
  return {
    accessLogs: words.map(({ typed_config: log }, index) =>
      readAccessLog(log, [...path, index, 'typed_config'], reading),
    ),
  };
}

function readAccessLog(words: LoggerWords, path: Path, reading: Reading): AccessLog {
  const format = readFormat(words, path, reading);
  const written = 'path' in words ? words.path : streams[words['@type'] as keyof typeof streams];
  return { path: resolve(written), ...(format !== undefined && format !== '' && { format }) };
}

function readFormat(words: LoggerWords, path: Path, reading: Reading): AccessLog['format'] {
  const { log_format: form } = words;
  if ('path' in words) {
    const { format, json_format: json, typed_json_format: typed } = words;
    assertAtMostOne(path, words, ['log_format', 'format', 'json_format', 'typed_json_format'], reading);
    const old = format ?? json ?? typed;
    if (old !== undefined) return old;
  }
  if (!form) return undefined;
  assertAtMostOne([...path, 'log_format'], form, ['text_format', 'text_format_source', 'json_format'], reading);
  return form.text_format ?? form.text_format_source?.inline_string ?? form.json_format;
}
