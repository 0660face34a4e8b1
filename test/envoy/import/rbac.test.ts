import { describe, expect, test } from 'vitest';
import { listScreens, listStages, type Screen } from '../../../src/chain/model/graph.ts';
import { refusals } from '../../../src/envoy/schema/refusals.ts';
import { loadEnvoy, readCorpus } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';

const corpus = readCorpus('rbac');

/** The file with another text in the place of one. */
function edit(from: string, to: string): string {
  if (!corpus.includes(from)) throw new Error(`there is no ${from}`);
  return corpus.replace(from, to);
}

/** The rule of the first network filter, and the condition of a policy of an HTTP filter. */
const connection = '[{ direct_remote_ip: { address_prefix: 127.0.0.0, prefix_len: 8 } }]';
const request = '- destination_port_range: { start: 1, end: 2 }';

const screensOf = (text: string): readonly Screen[] => listStages(loadEnvoy(text).graph).flatMap(listScreens);

test('filters are the screens of connections, requests and routes', () => {
  const [front, behind] = listStages(loadEnvoy(corpus).graph);
  if (front?.job !== 'http' || behind?.job !== 'forward') throw new Error('other stages');
  expect(front.connectionScreens).toHaveLength(1);
  expect(front.screens?.map(({ action }) => action)).toEqual(['deny', 'allow']);
  expect(behind.screens).toEqual([
    {
      action: 'deny',
      policies: [
        {
          name: 'here',
          what: [{ kind: 'reached', range: '127.0.0.1/32' }],
          who: [{ kind: 'client', range: '127.0.0.1/32' }],
        },
      ],
    },
  ]);
  const [own, free, alone] = front.hosts[0]?.routes ?? [];
  // A route changes the filter that it names, and no other one.
  expect(own?.screens?.map(({ policies }) => policies[0]?.name)).toEqual(['strangers', 'reader']);
  expect(free?.screens?.map(({ policies }) => policies[0]?.name)).toEqual(['strangers']);
  expect(alone?.screens).toBeUndefined();
});

describe('rules', () => {
  test.each([
    ['prefix_len: 8', '', '0.0.0.0/0'],
    ['prefix_len: 8', 'prefix_len: 33', '127.0.0.0/32'],
    ['address_prefix: 127.0.0.0, prefix_len: 8', "address_prefix: '2001:DB8:0::1', prefix_len: 32", '2001:db8::/32'],
    ['address_prefix: 127.0.0.0, prefix_len: 8', 'address_prefix: 10.9.8.7, prefix_len: 8', '10.0.0.0/8'],
  ])('%s as %j are the range %s', (from, to, range) => {
    expect(screensOf(edit(from, to))[0]?.policies[0]?.who).toEqual([{ kind: 'client', range }]);
  });

  test('of the action LOG, and absent ones, are no screen', () => {
    const log = corpus.replaceAll(/action: (?:ALLOW|DENY)/g, 'action: LOG');
    expect(screensOf(log).map(({ policies }) => policies[0]?.name)).toEqual(['reader']);
  });

  test('without policies let nothing pass', () => {
    const text = edit(
      'rules:\n                  action: DENY\n                  policies:',
      'rules: {}\n                shadow_rules:\n                  policies:',
    );
    expect(screensOf(text).at(-1)).toEqual({ action: 'allow', policies: [] });
  });
});

/** The refusal of the file with another text, without the place and the reason. */
const say = (text: string, allowUnknownFields = false) => {
  const { message, hints } = refusalOf(() => loadEnvoy(text, allowUnknownFields));
  return { message: message.replace(/^envoy\.yaml:\d+:\d+: /, ''), hints };
};

test.each(['metadata', 'sourced_metadata', 'matcher', 'uri_template'])('the permission %s is refused', (field) => {
  const { why, instead } = refusals.judge;
  expect(say(edit(request, `- ${field}: {}`))).toEqual({
    message: `${field} is a field of Envoy that tunl does not run: ${why}`,
    hints: expect.arrayContaining([instead]) as unknown,
  });
});

test.each(['metadata', 'filter_state', 'custom'])('the principal %s is refused', (field) => {
  expect(say(edit(connection, `[{ ${field}: {} }]`)).message).toMatch(
    `${field} is a field of Envoy that tunl does not`,
  );
});

test.each([
  [connection, '[{ header: { name: x-a } }]', 'a filter of connections sees no header, in Envoy either'],
  [connection, '[{ any: false }]', /must be true/],
  [connection, '[]', /must be a list that is not empty/],
  [connection, '[{}]', /^one of and_ids, .* is missing/],
  [connection, '[{ any: true, authenticated: {} }]', 'authenticated does not go with any'],
  [connection, '[{ source_ip: { address_prefix: db } }]', '"db" is not an IP address'],
  [
    connection,
    "[{ source_ip: { address_prefix: '::ffff:10.0.0.1' } }]",
    /is an IPv4 address for tunl, and none for Envoy/,
  ],
  [request, '- destination_port_range: { start: 2, end: 2 }', /^destination_port_range: start must be below end/],
  [request, '- destination_port: 65536', /must be a port/],
  [
    request,
    '- header: { name: X-Forwarded-Proto }',
    'Envoy changes "x-forwarded-proto" before it judges, and tunl does not',
  ],
  [request, '- url_path: { path: { exact: a, ignore_case: true } }', /ignore_case is true, which tunl does not run/],
  ['source_ip:', 'remote_ip:', /^remote_ip is what a client writes into x-forwarded-for/],
  [
    'stat_prefix: nobody',
    'delay_deny: 1s\n                stat_prefix: nobody',
    /^delay_deny is a field of Envoy that tunl does not/,
  ],
  [
    '- name: nobody\n                    typed',
    '- name: team\n                    typed',
    'there are two filters named "team"',
  ],
])('%s as %s is refused: %s', (from, to, says) => {
  expect(say(edit(from, to)).message).toMatch(says);
});

test('unknown fields are never left out of what decides who gets in', () => {
  expect(say(edit(request, '- destination_prt: 1'), true)).toEqual({
    message: 'unknown field "destination_prt" of Permission',
    hints: ['did you mean destination_port?'],
  });
  expect(say(edit('ignore_case: false', 'ignore_cases: false'), true).message).toMatch('unknown field "ignore_cases"');
  // Elsewhere they are.
  expect(() => loadEnvoy(edit('stat_prefix: tcp', 'stat_prefix: tcp\n                novelty: 1'), true)).not.toThrow();
});
