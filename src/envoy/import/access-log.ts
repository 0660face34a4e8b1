import { resolve } from 'node:path';
import type { Path } from '../../chain/read/document.ts';
import type { AccessLog } from '../../chain/model/graph.ts';
import type { LogFilter, LogMoment } from '../../chain/model/log-filter.ts';
import type { AccessLogMessage } from '../schema/access-log.ts';
import { parseFormat } from '../../syntax/format/format.ts';
import { assertAtMostOne, assertOne } from './one-of.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';
import { logTypes, readLogFilter } from './log-filter.ts';

type LoggerMessage = AccessLogMessage[number]['typed_config'];

const streams = {
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': '/dev/stdout',
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': '/dev/stderr',
} as const;

/** What the access logs of a filter or listener have in common. */
export interface LogContext {
  readonly reading: BootstrapDiagnostics;
  /** Whose they are. */
  readonly of: keyof typeof logTypes;
  /** The moments before the end at which they have entries too. */
  readonly early?: readonly LogMoment[];
  /** The only cluster of the filter, if it has one; its name replaces `%UPSTREAM_CLUSTER%`. */
  readonly cluster?: string | undefined;
}

/** Reads the access logs of a filter or listener. Those that no entry can pass the filter of are left out. */
export function readAccessLogs(words: AccessLogMessage = [], path: Path, context: LogContext): readonly AccessLog[] {
  const { of, early = [], reading } = context;
  return words.flatMap(({ filter, typed_config: log }, index) => {
    const read = readAccessLog(log, [...path, index, 'typed_config'], context);
    const filters = new Map<string, { when: LogFilter; at: LogMoment[] }>();
    for (const moment of [...early, 'ended'] as const) {
      const when = filter ? readLogFilter(filter, logTypes[of][moment], [...path, index, 'filter'], reading) : [[]];
      const key = JSON.stringify(when);
      const same = filters.get(key);
      if (same) same.at.push(moment);
      else if (when.length > 0) filters.set(key, { when, at: [moment] });
    }
    return [...filters.values()].map(({ when, at }) => ({
      ...read,
      ...(when.some((tests) => tests.length > 0) && { when }),
      ...(at.some((moment) => moment !== 'ended') && { at }),
    }));
  });
}

/** Reads the moments before the end at which a filter logs, from its switches for them. */
export function readEarly(switches: Readonly<Record<'asked' | 'opened', boolean | undefined>>): readonly LogMoment[] {
  return (['asked', 'opened'] as const).filter((moment) => switches[moment] === true);
}

/** Makes the access logs of a stage; a stage without any has no list of them. */
export function toStageLogs(logs: readonly AccessLog[]): { readonly accessLogs?: readonly AccessLog[] } {
  return logs.length > 0 ? { accessLogs: logs } : {};
}

function readAccessLog(words: LoggerMessage, path: Path, { reading, of, cluster }: LogContext): AccessLog {
  const written = readFormat(words, path, reading);
  if (written) checkFormat(written.format, [...path, ...written.at], reading);
  const format = written && mapFormat(written.format, (text) => fillKnown(text, of, cluster));
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
  assertOne([...path, 'log_format'], form, ['text_format_source', 'json_format', 'text_format'], reading);
  const { text_format: text, text_format_source: source, json_format: json } = form;
  if (text !== undefined) return { format: text, at: ['log_format', 'text_format'] };
  if (json !== undefined) return { format: json, at: ['log_format', 'json_format'] };
  const inline = source?.inline_string;
  if (source && inline === undefined)
    reading.add([...path, 'log_format', 'text_format_source'], 'inline_string is missing');
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

/** Fills in the operators whose values the file decides, and the entries of tunl do not have. */
function fillKnown(text: string, of: LogContext['of'], cluster: string | undefined): string {
  return text.replaceAll(/%%|%UPSTREAM_CLUSTER%|%ACCESS_LOG_TYPE%/g, (found) => {
    if (found === '%UPSTREAM_CLUSTER%' && cluster !== undefined) return cluster.replaceAll('%', '%%');
    return found === '%ACCESS_LOG_TYPE%' && of === 'listener' ? 'NotSet' : found;
  });
}
