import { expect, test } from 'vitest';
import { listStages } from '../../../src/chain/model/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

const file = (screens: string, more = '') => `stages:
  a:
    listen: 1
    screens: ${screens}
    ${more === '' ? 'to: b:1' : more}`;

test('rules are read, and ranges written in one form', () => {
  const text = file(
    "{ allow: { p: { what: [{ port: 8000-8099 }, { port: 443 }], who: { not: { client: '10.1.2.3/8' } } } } }",
  );
  const [stage] = listStages(loadText(text).graph);
  expect(stage).toMatchObject({
    screens: [
      {
        action: 'allow',
        policies: [
          {
            name: 'p',
            what: [
              { kind: 'port', first: 8000, last: 8099 },
              { kind: 'port', first: 443, last: 443 },
            ],
            who: [{ kind: 'not', rule: { kind: 'client', range: '10.0.0.0/8' } }],
          },
        ],
      },
    ],
  });
});

test('several conditions on fields are all to be met', () => {
  const screens =
    '{ screens: { deny: { p: { who: { headers: { x-a: [true, { not: b }], X-B: c } } } } }, routes: [{ answer: 200 }] }';
  const [stage] = listStages(loadText(file('{ deny: {} }', `http: ${screens}`)).graph);
  const [screen] = stage?.job === 'http' ? (stage.screens ?? []) : [];
  expect(screen?.policies).toEqual([
    {
      name: 'p',
      what: [{ kind: 'any' }],
      who: [
        {
          kind: 'all',
          rules: [
            { kind: 'field', field: { name: 'x-a' } },
            { kind: 'field', field: { name: 'x-a', value: { kind: 'exact', value: 'b' }, invert: true } },
            { kind: 'field', field: { name: 'x-b', value: { kind: 'exact', value: 'c' } } },
          ],
        },
      ],
    },
  ]);
});

test.each([
  [file('{}'), /a screen has allow or deny/],
  [file('{ allow: {}, deny: {} }'), /a screen has allow or deny/],
  [file('{ allow: { p: { what: { port: 70000 } } } }'), /"70000" is not a port/],
  [file('{ allow: { p: { what: { port: 9-8 } } } }'), /"9-8" is not a port/],
  [file('{ allow: { p: { who: { client: db } } } }'), /"db" is not a range of addresses/],
  [file('{ allow: { p: { who: { client: 10.0.0.0/8, identity: true } } } }'), /a rule has one key, and this has 2/],
  [file('{ allow: { p: { who: { headers: { x-a: b } } } } }'), /screens for connections see no requests/],
  [file('{ allow: {} }', 'proxy: true'), /screens do not go with a proxy/],
])('%s is refused', (text, says) => {
  expect(refusalOf(() => loadText(text)).message).toMatch(says);
});

test.each(['what: { client: 10.0.0.0/8 }', 'who: { port: 1 }'])('a rule is on its side: %s', (rule) => {
  expect(refusalOf(() => loadText(file(`{ allow: { p: { ${rule} } } }`))).message).toMatch(
    rule.includes('client') ? 'client' : 'port',
  );
});
