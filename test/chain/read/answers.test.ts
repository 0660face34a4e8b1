import { expect, test } from 'vitest';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

const text = `stages:
  web:
    listen: 8080
    http:
      answers:
        changes:
          - when:
              - { status: '>= 500', flags: UF|UH }
              - { headers: { x-a: b }, took: '>= 1s' }
            status: 503
            body: "\${WHO} is down\\n"
            set: { retry-after: '5' }
            add: { x-flags: ['%RESPONSE_CODE%', '\${WHO} %REQ(x-a)%'] }
          - { when: { status: 404 }, body-file: pages/404.html, format: '%LOCAL_REPLY_BODY%', content-type: text/html }
          - { format: { said: '%LOCAL_REPLY_BODY%', who: '\${WHO}' }, omit-missing: true }
        format: '%RESPONSE_CODE% \${WHO}'
        content-type: text/x-own
      routes:
        - { path: /form, answer: { status: 200, body: hi, format: '<%LOCAL_REPLY_BODY%>', content-type: text/html } }
        - { answer: { status: 204, format: { a: '%PROTOCOL%' } } }
`;

test('what is changed in answers is read, and printed the same', () => {
  const { graph, sources } = loadText(text, { WHO: '100%' });
  const [web] = graph.stages;
  expect(web).toMatchObject({
    answers: {
      changes: [
        {
          when: [
            [
              { kind: 'status', compare: '>=', value: 500 },
              { kind: 'flags', flags: ['UF', 'UH'] },
            ],
            [
              { kind: 'took', compare: '>=', value: 1000 },
              { kind: 'field', field: { name: 'x-a', value: { kind: 'exact', value: 'b' } } },
            ],
          ],
          status: 503,
          body: '100% is down\n',
          fields: {
            set: [{ name: 'retry-after', value: '5' }],
            add: [
              { name: 'x-flags', value: '%RESPONSE_CODE%' },
              { name: 'x-flags', value: '100%% %REQ(x-a)%' },
            ],
          },
        },
        {
          when: [[{ kind: 'status', compare: '=', value: 404 }]],
          bodyFile: '/etc/tunl/pages/404.html',
          form: { format: '%LOCAL_REPLY_BODY%', type: 'text/html' },
        },
        { when: [[]], form: { format: { said: '%LOCAL_REPLY_BODY%', who: '100%%' }, omitMissing: true } },
      ],
      form: { format: '%RESPONSE_CODE% 100%%', type: 'text/x-own' },
    },
    hosts: [
      {
        routes: [
          { action: { status: 200, body: 'hi', form: { format: '<%LOCAL_REPLY_BODY%>', type: 'text/html' } } },
          { action: { status: 204, form: { format: { a: '%PROTOCOL%' } } } },
        ],
      },
    ],
  });
  expect(loadText(printGraph(graph, { sources }), { WHO: '100%' }).graph).toEqual(graph);
});

const answers = (words: string) => `stages:
  web:
    listen: 1
    http:
      answers: ${words}
      routes: [{ answer: 200 }]
`;

test.each([
  ['{}', '5:16: this changes nothing', 'add changes or format'],
  ['{ content-type: a/b, changes: [{}] }', '5:32: content-type goes with format', 'add format'],
  ['{ changes: [{ omit-missing: true }] }', '5:44: omit-missing goes with format', 'add format'],
  ['{ changes: [{ status: 199 }] }', '5:38: 199 is not a status from 200 to 599'],
  ['{ changes: [{ body: a, body-file: b }] }', '5:50: body-file does not go with body', 'leave one of them out'],
  ["{ format: '%NONE%' }", '5:26: format: there is no operator %NONE%', 'write %% for a percent sign'],
  ["{ format: { a: '%' } }", '5:31: format: a % does not begin an operator', 'write %% for a percent sign'],
  ['{ changes: [{ when: { flags: XX } }] }', '5:36: when: "XX" is not a flag'],
  [
    '{ changes: [{ when: { headers: { cookie: a } } }] }',
    '5:36: when: cookie holds credentials, and conditions see none',
  ],
  ['{ changes: [{ add: { content-length: a } }] }', '5:53: "content-length" cannot be changed'],
  ['{ changes: [{ remove: a }] }', '5:30: unknown key "remove"'],
])('answers: %s is refused: %s', (words, says, ...hints) => {
  const refusal = refusalOf(() => loadText(answers(words)));
  expect(refusal.message).toContain(`chain.yaml:${says}`);
  expect(refusal.hints).toEqual(expect.arrayContaining(hints));
});

test('an answer of a route has a type with a form alone', () => {
  const route = 'stages: { web: { listen: 1, http: { routes: [{ answer: { status: 200, content-type: a/b } }] } } }';
  expect(refusalOf(() => loadText(route)).message).toBe('chain.yaml:1:85: content-type goes with format');
});

test('an answer says to which changes of protocol it is given too', () => {
  const route = (words: string) => `stages: { web: { listen: 1, http: { routes: [{ ${words} }] } } }`;
  const { graph } = loadText(route('connect: true, answer: 503, upgrade: [CONNECT, websocket]'));
  expect(graph.stages).toMatchObject([
    { hosts: [{ routes: [{ action: { kind: 'answer', status: 503, upgrades: ['connect', 'websocket'] } }] }] },
  ]);
  expect(loadText(printGraph(graph)).graph).toEqual(graph);
  expect(refusalOf(() => loadText(route('tunnel-to: db:1, upgrade: connect'))).message).toContain(
    'upgrade does not go with tunnel-to',
  );
});
