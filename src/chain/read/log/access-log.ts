import * as z from 'zod';
import { usageError } from '../../../core/errors.ts';
import { isSecretField } from '../../../core/secret.ts';
import { parseDuration } from '../../../syntax/duration.ts';
import { parseFormat } from '../../../syntax/format/format.ts';
import { asUsage, quote } from '../../../syntax/text.ts';
import type { AccessLog } from '../../model/graph.ts';
import {
  comparisonSigns,
  type LogFilter,
  logMoments,
  type LogTest,
  outcomeFlags,
  sortTests,
} from '../../model/log-filter.ts';
import { readField } from '../http/match.ts';
import type { RouteReader } from '../route.ts';
import { describe, must, oneOrMore, text } from '../schema-parts.ts';
import { fillVariables } from '../secrets.ts';
import { type LogTestsConfig, tests } from './tests.ts';

/** The schema of an access log in a file. */
export const accessLog = z.union(
  [
    text,
    z.strictObject({
      path: describe(text, 'a file, /dev/stdout or /dev/stderr'),
      format: describe(
        z.union([text, z.record(text, text)], must('a line, or the members of an object')).optional(),
        'a line with operators such as %BYTES_SENT%, or the members of a JSON object; that of Envoy without',
      ),
      when: describe(
        oneOrMore(tests, 'conditions').optional(),
        'write a line only for what meets all of these conditions, or all of one item of a list',
      ),
      at: describe(
        oneOrMore(z.literal([...logMoments], must('asked, opened or ended')), 'asked, opened or ended').optional(),
        'when lines are written: the client has asked, its tunnel is open, or all is over; ended without',
      ),
    }),
  ],
  must('a file, or path with format, when and at'),
);

/** An access log in a file. */
export type AccessLogConfig = z.infer<typeof accessLog>;

/** Reads an access log. @throws {TunlError} usage */
export function readAccessLog(
  words: AccessLogConfig,
  reader: RouteReader,
  resolveFile: (path: string) => string,
): AccessLog {
  const { path, format, when, at } = typeof words === 'string' ? { path: words } : words;
  const moments = listOf(at);
  const { env: own, folder } = reader;
  const env = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, value?.replaceAll('%', '%%')]));
  const fill = (line: string) => fillVariables(line, { env, folder });
  const filled =
    typeof format === 'object'
      ? Object.fromEntries(Object.entries(format).map(([name, line]) => [name, fill(line)]))
      : format && fill(format);
  const lines = typeof filled === 'object' ? Object.values(filled) : filled === undefined ? [] : [filled];
  for (const line of lines) asUsage('access-log', () => parseFormat(line));
  return {
    path: resolveFile(path),
    ...(filled !== undefined && { format: filled }),
    ...(when !== undefined && { when: asUsage('when', () => readFilter(when, reader)) }),
    ...(at !== undefined && { at: logMoments.filter((moment) => moments.includes(moment)) }),
  };
}

/** Reads conditions on tunnels or requests. @throws {TunlError} usage */
export function readFilter(words: LogTestsConfig | LogTestsConfig[], reader: RouteReader): LogFilter {
  return listOf(words).map(({ status, took, flags, headers = {} }) =>
    sortTests([
      ...listOf(status).map((word) => readComparison('status', String(word), parseStatus)),
      ...listOf(took).map((word) => readComparison('took', word, (duration) => parseDuration(duration, 'took'))),
      ...listOf(flags).map((word): LogTest => ({ kind: 'flags', flags: word === true ? [] : readFlags(word) })),
      ...Object.entries(headers).flatMap(([name, each]) =>
        listOf(each).map((condition): LogTest => {
          if (isSecretField(name.toLowerCase())) throw usageError(`${name} holds credentials, and conditions see none`);
          return { kind: 'field', field: readField(name, condition, reader) };
        }),
      ),
    ]),
  );
}

function listOf<T>(words: T | T[] | undefined): readonly T[] {
  if (words === undefined) return [];
  return Array.isArray(words) ? words : [words];
}

function readComparison(kind: 'status' | 'took', word: string, parse: (value: string) => number): LogTest {
  const [, sign = '=', value = ''] = /^([<>!]?=)? *(.*)$/.exec(word) ?? [];
  const compare = comparisonSigns.find((known) => known === sign) ?? '=';
  return { kind, compare, value: parse(value) };
}

function parseStatus(value: string): number {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw usageError(`${quote(value)} is not a status`, 'write 404, >= 500, <= 399 or != 200');
}

function readFlags(word: string): readonly string[] {
  const flags = word.split('|');
  const unknown = flags.find((flag) => !outcomeFlags.includes(flag));
  if (unknown === undefined) return flags;
  throw usageError(`${quote(unknown)} is not a flag`, `there are ${outcomeFlags.join(' ')}`);
}
