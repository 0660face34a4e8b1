import { expect, test } from 'vitest';
import { editFixture, loadEnvoy } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const file = 'end-http-in-http2-connect';

/** Writes a file whose inner HttpConnectionManager changes its own answers. */
function withReply(words: string): string {
  return editFixture(file, 'stat_prefix: decap', `stat_prefix: decap\n                local_reply_config: ${words}`);
}

function readAnswers(words: string) {
  const stage = loadEnvoy(withReply(words)).graph.stages.find(({ name }) => name === 'decap');
  return stage?.job === 'http' ? stage.answers : undefined;
}

const lost = '{ status_code_filter: { comparison: { value: { default_value: 404, runtime_key: a } } } }';
const isLost = { kind: 'status', compare: '=', value: 404 } as const;
const mapper = (more: string) => `{ mappers: [{ filter: ${lost}${more} }] }`;

test.each([
  ['{}', undefined],
  ['{ mappers: [] }', undefined],
  [mapper(''), { changes: [{ when: [[isLost]] }] }],
  [mapper(', status_code: 410'), { changes: [{ when: [[isLost]], status: 410 }] }],
  [mapper(", body: { inline_string: '' }"), { changes: [{ when: [[isLost]], body: '' }] }],
  [mapper(', body: { filename: /etc/gone }'), { changes: [{ when: [[isLost]], bodyFile: '/etc/gone' }] }],
  [
    mapper(", headers_to_add: [{ header: { key: X-A, value: '%RESPONSE_CODE%' }, append_action: ADD_IF_ABSENT }]"),
    { changes: [{ when: [[isLost]], fields: { addAbsent: [{ name: 'x-a', value: '%RESPONSE_CODE%' }] } }] },
  ],
  [
    mapper(", body_format_override: { json_format: { a: '%LOCAL_REPLY_BODY%' }, omit_empty_values: true }"),
    { changes: [{ when: [[isLost]], form: { format: { a: '%LOCAL_REPLY_BODY%' }, omitMissing: true } }] },
  ],
  [
    "{ body_format: { text_format: 'a %RESPONSE_FLAGS%', content_type: text/html } }",
    { changes: [], form: { format: 'a %RESPONSE_FLAGS%', type: 'text/html' } },
  ],
  ['{ mappers: [{ filter: { not_health_check_filter: {} } }] }', { changes: [{ when: [[]] }] }],
  ['{ mappers: [{ filter: { log_type_filter: { types: [NotSet] } } }] }', { changes: [{ when: [[]] }] }],
  // No answer passes such a filter.
  ['{ mappers: [{ filter: { runtime_filter: { runtime_key: a } } }] }', undefined],
  ['{ mappers: [{ filter: { log_type_filter: { types: [DownstreamEnd] } } }] }', undefined],
])('%s becomes %o', (words, answers) => {
  expect(readAnswers(words)).toEqual(answers);
});

test.each([
  ['{ mappers: [{}] }', 'filter is missing'],
  [mapper(', status_code: 199'), 'status_code must be a status from 200 to 599'],
  [mapper(', body: {}'), 'one of inline_string, filename is missing'],
  [mapper(', body: { inline_bytes: YQ== }'), 'inline_bytes is a field of Envoy that tunl does not run'],
  [mapper(', body_format_override: {}'), 'one of text_format_source, json_format, text_format is missing'],
  [mapper(", body_format_override: { text_format: '%NONE%' }"), 'there is no operator %NONE%'],
  [mapper(', body_format_override: { json_format: { a: { b: c } } }'), 'a must be a text'],
  [mapper(', headers_to_add: [{ header: { key: host, value: a } }]'), '"host" cannot be changed'],
  [
    '{ body_format: { text_format: a, formatters: [{ name: a }] } }',
    'formatters is a field of Envoy that tunl does not run',
  ],
  [
    '{ mappers: [{ filter: { runtime_filter: { runtime_key: a, percent_sampled: { numerator: 5 } } } }] }',
    'runtime_filter picks entries by chance',
  ],
])('%s is refused: %s', (words, says) => {
  const { message } = refusalOf(() => loadEnvoy(withReply(words)));
  expect(message).toMatch(/^envoy\.yaml:\d+:\d+: /);
  expect(message).toContain(says);
});

test('a direct_response has a form of its own', () => {
  const text = editFixture(
    file,
    'direct_response:',
    "direct_response:\n                            body_format: { text_format_source: { inline_string: '%PROTOCOL%' } }",
  );
  const stage = loadEnvoy(text).graph.stages.find(({ name }) => name === 'decap');
  const [route] = (stage?.job === 'http' && stage.hosts[0]?.routes) || [];
  expect(route?.action).toMatchObject({ kind: 'answer', status: 200, form: { format: '%PROTOCOL%' } });
});
