import { expect, test } from 'vitest';
import { listStages } from '../../../src/chain/model/graph.ts';
import { editFixture, loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const logger = `typed_config: { '@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog }`;

/** Writes a file whose TcpProxy has a log with a filter. */
function withFilter(filter: string): string {
  const log = `access_log: { name: a, filter: ${filter}, ${logger} }`;
  return editFixture('tcp-to-http2-post', 'stat_prefix: entry', `stat_prefix: entry\n                ${log}`);
}

function readFilter(filter: string) {
  const [stage] = listStages(loadEnvoy(withFilter(filter)).graph);
  return stage?.accessLogs;
}

const path = '/dev/stdout';
const number = (kind: string, op: string, value: number) =>
  `{ ${kind}: { comparison: { op: ${op}, value: { default_value: ${value}, runtime_key: none } } } }`;
const [failed, slow] = [number('status_code_filter', 'GE', 500), number('duration_filter', 'le', 1500)];
const [isFailed, isSlow] = [
  { kind: 'status', compare: '>=', value: 500 },
  { kind: 'took', compare: '<=', value: 1500 },
] as const;
const flags = '{ response_flag_filter: { flags: [UF, NR] } }';
const isFlagged = { kind: 'flags', flags: ['UF', 'NR'] } as const;
const header = '{ header_filter: { header: { name: X-A, string_match: { prefix: b }, invert_match: true } } }';
const isNamed = {
  kind: 'field',
  field: { name: 'x-a', value: { kind: 'prefix', value: 'b' }, invert: true },
} as const;

test.each([
  [failed, [[isFailed]]],
  [slow, [[isSlow]]],
  [number('duration_filter', '3', 4_294_967_295), [[{ kind: 'took', compare: '!=', value: 2 ** 31 - 1 }]]],
  [flags, [[isFlagged]]],
  ['{ response_flag_filter: {} }', [[{ kind: 'flags', flags: [] }]]],
  [header, [[isNamed]]],
  [`{ and_filter: { filters: [ ${header}, ${flags}, ${failed} ] } }`, [[isFailed, isFlagged, isNamed]]],
  [`{ or_filter: { filters: [ ${slow}, ${failed} ] } }`, [[isSlow], [isFailed]]],
  [
    `{ and_filter: { filters: [ { or_filter: { filters: [ ${slow}, ${failed} ] } }, ${flags} ] } }`,
    [
      [isSlow, isFlagged],
      [isFailed, isFlagged],
    ],
  ],
])('the filter %s is %o', (filter, when) => {
  expect(readFilter(filter)).toEqual([{ path, when }]);
});

test.each([
  '{ not_health_check_filter: {} }',
  '{ log_type_filter: { types: [TcpConnectionEnd] } }',
  '{ log_type_filter: { types: [DownstreamEnd], exclude: true } }',
  '{ runtime_filter: { runtime_key: a, percent_sampled: { numerator: 1000000, denominator: MILLION } } }',
  `{ or_filter: { filters: [ ${failed}, { not_health_check_filter: {} } ] } }`,
])('the filter %s lets everything through', (filter) => {
  expect(readFilter(filter)).toEqual([{ path }]);
});

test.each([
  '{ log_type_filter: {} }',
  '{ log_type_filter: { types: [DownstreamEnd] } }',
  '{ runtime_filter: { runtime_key: a } }',
  `{ and_filter: { filters: [ ${failed}, { runtime_filter: { runtime_key: a } } ] } }`,
])('the filter %s lets nothing through, and the log is left out', (filter) => {
  expect(readFilter(filter)).toBeUndefined();
});

test.each([
  ['{}', 'one of status_code_filter, duration_filter'],
  ['{ status_code_filter: { comparison: {} } }', 'value is missing'],
  [`{ and_filter: { filters: [ ${failed} ] } }`, 'filters must be a list of at least two filters'],
  ['{ response_flag_filter: { flags: [XX] } }', '"XX" is not a flag of Envoy'],
  [
    '{ runtime_filter: { runtime_key: a, percent_sampled: { numerator: 5 } } }',
    'runtime_filter picks entries by chance',
  ],
  ['{ traceable_filter: {} }', 'traceable_filter is a field of Envoy that tunl does not run'],
  ['{ metadata_filter: {} }', 'metadata_filter is a field of Envoy that tunl does not run'],
  ['{ header_filter: { header: { name: Authorization } } }', '"Authorization" holds credentials'],
])('the filter %s is refused: %s', (filter, says) => {
  const { message, hints } = refusalOf(() => loadEnvoy(withFilter(filter)));
  expect(message).toMatch(/^envoy\.yaml:16:\d+: /);
  expect(message).toContain(says);
  if (message.includes('tunl')) expect(hints).not.toEqual([]);
});

test.each([
  ['', '', undefined],
  ['access_log_options: { flush_access_log_on_connected: true }', '', [{ path, at: ['opened', 'ended'] }]],
  ['flush_access_log_on_connected: true', '', [{ path, at: ['opened', 'ended'] }]],
  ['access_log_options: {}\nflush_access_log_on_connected: true', '', [{ path, at: ['opened', 'ended'] }]],
  ['access_log_options: { flush_access_log_on_start: true }', '', [{ path, at: ['asked', 'ended'] }]],
  [
    'access_log_options: { flush_access_log_on_start: true }',
    '{ log_type_filter: { types: [TcpConnectionStart] } }',
    [{ path, at: ['asked'] }],
  ],
  [
    'access_log_options: { flush_access_log_on_start: true }',
    `{ or_filter: { filters: [ ${failed}, { log_type_filter: { types: [TcpConnectionStart] } } ] } }`,
    [
      { path, at: ['asked'] },
      { path, when: [[isFailed]] },
    ],
  ],
])('with %j and the filter %j there are the logs %j', (switches, filter, logs) => {
  const text = withFilter(filter || '{ not_health_check_filter: {} }');
  const fields = switches.split('\n').filter(Boolean);
  const inserted = ['stat_prefix: entry', ...fields].join(`\n${' '.repeat(16)}`);
  const [stage] = listStages(loadEnvoy(text.replace('stat_prefix: entry', inserted)).graph);
  expect(stage?.accessLogs).toEqual(logs ?? [{ path }]);
});

test('a filter with too many alternatives is refused', () => {
  const either = `{ or_filter: { filters: [ ${slow}, ${failed}, ${flags} ] } }`;
  const { message } = refusalOf(() =>
    loadEnvoy(withFilter(`{ and_filter: { filters: [ ${Array(4).fill(either).join()} ] } }`)),
  );
  expect(message).toContain('comes to 81 alternatives');
});

test('the log of a listener has the entries of its TcpProxy', () => {
  const log = `access_log: { name: a, filter: ${failed}, ${logger.replace(' }', ", log_format: { text_format: '%ACCESS_LOG_TYPE% %UPSTREAM_CLUSTER%' } }")} }`;
  const text = editFixture(
    'tcp-to-http2-post',
    'filter_chains:',
    `${log}\n    filter_chains:`.replace('\n    ', '\n      '),
  );
  const [stage] = listStages(loadEnvoy(text).graph);
  expect(stage?.accessLogs).toEqual([{ path, format: 'NotSet next_proxy', when: [[isFailed]] }]);
});
