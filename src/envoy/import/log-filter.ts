import { type LogFilter, type LogMoment, type LogTest, outcomeFlags, sortTests } from '../../chain/model/log-filter.ts';
import type { Path } from '../../chain/read/document.ts';
import { isSecretField } from '../../core/secret.ts';
import { quote } from '../../syntax/text.ts';
import { filterKinds, type LogFilterMessage } from '../schema/log-filter.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';
import { readField } from './http/match.ts';
import { assertOne } from './one-of.ts';

/** The types of entries that a log can have. */
type LogType = (typeof logTypes)[keyof typeof logTypes][LogMoment];

/** The types of the entries of a TcpProxy, an HttpConnectionManager and a listener, at each moment. */
export const logTypes = {
  tcp: { asked: 'TCPCONNECTIONSTART', opened: 'TCPUPSTREAMCONNECTED', ended: 'TCPCONNECTIONEND' },
  http: {
    asked: 'DOWNSTREAMSTART',
    opened: 'DOWNSTREAMTUNNELSUCCESSFULLYESTABLISHED',
    ended: 'DOWNSTREAMEND',
  },
  listener: { asked: 'NOTSET', opened: 'NOTSET', ended: 'NOTSET' },
} as const satisfies Record<string, Record<LogMoment, string>>;

/** The most lists of conditions that a filter may come to. */
const maxLists = 64;

/** The longest duration that files of tunl can say, in milliseconds: 24 days. */
const maxTimerMs = 2 ** 31 - 1;

const always: LogFilter = [[]];
const never: LogFilter = [];

/**
 * Reads the filter of an access log, or of what is changed in answers.
 * @param type the type of the entries of the log; filters by type decide once and for all
 * @returns no list for a filter that nothing passes, and an empty one for a filter that all passes
 */
export function readLogFilter(
  words: LogFilterMessage,
  type: LogType,
  path: Path,
  reading: BootstrapDiagnostics,
): LogFilter {
  const lists = readLists(words, type, path, reading);
  if (lists.length > maxLists) {
    const message = `this filter comes to ${lists.length} alternatives, and tunl takes ${maxLists}`;
    reading.add(path, message, 'write several with simpler filters');
  }
  return lists.some((tests) => tests.length === 0) ? always : lists.slice(0, maxLists).map(sortTests);
}

function readLists(words: LogFilterMessage, type: LogType, path: Path, reading: BootstrapDiagnostics): LogFilter {
  assertOne(path, words, filterKinds, reading);
  const kind = filterKinds.find((candidate) => words[candidate] !== undefined);
  const at = kind === undefined ? path : [...path, kind];
  const { status_code_filter: status, duration_filter: took, runtime_filter: runtime } = words;
  const { and_filter: and, or_filter: or, header_filter: header } = words;
  const { response_flag_filter: flags, log_type_filter: types } = words;
  const inner = (filter: LogFilterMessage, index: number) =>
    readLists(filter, type, [...at, 'filters', index], reading);
  if (status) return [[readComparison('status', status.comparison, [...at, 'comparison'], reading)]];
  if (took) return [[readComparison('took', took.comparison, [...at, 'comparison'], reading)]];
  if (runtime) return readShare(runtime, at, reading) ? always : never;
  if (and) return and.filters.map(inner).reduce(join, always);
  if (or) return or.filters.flatMap(inner);
  if (header) return [[readHeader(header.header, [...at, 'header'], reading)]];
  if (flags) return [[readFlags(flags.flags ?? [], [...at, 'flags'], reading)]];
  if (types) {
    const { types: known = [], exclude = false } = types;
    return known.includes(type) !== exclude ? always : never;
  }
  // tunl has no health checks of its own clients to leave out.
  return always;
}

/** Joins two filters that must both let something through. */
function join(one: LogFilter, other: LogFilter): LogFilter {
  // Further alternatives are only counted.
  return one.flatMap((tests) => other.map((more) => [...tests, ...more])).slice(0, maxLists * 2);
}

const signs = { EQ: '=', GE: '>=', LE: '<=', NE: '!=' } as const;

function readComparison(
  kind: 'status' | 'took',
  { op = 'EQ', value }: NonNullable<LogFilterMessage['status_code_filter']>['comparison'],
  path: Path,
  reading: BootstrapDiagnostics,
): LogTest {
  const { default_value: number = 0, runtime_key: key = '' } = value;
  if (key !== '') {
    const at = [...path, 'value', 'runtime_key'];
    reading.notice('verbose', at, 'there is no runtime to change this number: default_value counts');
  }
  return { kind, compare: signs[op], value: kind === 'took' ? Math.min(number, maxTimerMs) : number };
}

/** Tells whether a filter by chance takes all or nothing, and refuses any other share. */
function readShare(
  { percent_sampled: percent = {} }: NonNullable<LogFilterMessage['runtime_filter']>,
  path: Path,
  reading: BootstrapDiagnostics,
): boolean {
  const { numerator = 0, denominator = 'HUNDRED' } = percent;
  const whole = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[denominator];
  if (numerator > 0 && numerator < whole) {
    reading.add(
      [...path, 'percent_sampled'],
      'runtime_filter picks entries by chance, and tunl takes all or none',
      'write 100 or 0 percent, or filter by status_code_filter, duration_filter or header_filter',
    );
  }
  return numerator > 0;
}

function readHeader(
  words: NonNullable<LogFilterMessage['header_filter']>['header'],
  path: Path,
  reading: BootstrapDiagnostics,
): LogTest {
  if (isSecretField(words.name.toLowerCase())) {
    const hint = 'filter by another field, or leave the filter out';
    reading.add([...path, 'name'], `${quote(words.name)} holds credentials, and filters of tunl see none`, hint);
  }
  return { kind: 'field', field: readField(words, path, reading) };
}

function readFlags(flags: readonly string[], path: Path, reading: BootstrapDiagnostics): LogTest {
  for (const [index, flag] of flags.entries()) {
    if (outcomeFlags.includes(flag)) continue;
    reading.add([...path, index], `${quote(flag)} is not a flag of Envoy`, `there are ${outcomeFlags.join(' ')}`);
  }
  return { kind: 'flags', flags };
}
