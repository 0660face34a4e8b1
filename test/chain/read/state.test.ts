import { expect, test } from 'vitest';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';

const text = `stages:
  names:
    listen: 8443
    state:
      plain: '%DOWNSTREAM_LOCAL_PORT%'
      all: { value: '%FILTER_STATE(plain:PLAIN)%', share: always, skip-empty: true, omit-missing: true }
    via: http://127.0.0.1:3128
    to: '%REQUESTED_SERVER_NAME%:443'
  requests:
    listen: 8080
    http:
      routes:
        - prefix: /
          to: internal://inside
    state:
      host: { value: '%REQ(x-target)%:443', share: once }
  inside:
    via: http://127.0.0.1:3128
    to: '%FILTER_STATE(host:PLAIN)%'
`;

test('values and targets with operators are read, and printed the same', () => {
  const { graph } = loadText(text);
  expect(graph.stages).toMatchObject([
    {
      targetFormat: '%REQUESTED_SERVER_NAME%:443',
      to: { targets: [] },
      state: [
        { name: 'plain', value: '%DOWNSTREAM_LOCAL_PORT%' },
        { name: 'all', value: '%FILTER_STATE(plain:PLAIN)%', share: 'always', skipEmpty: true, omitMissing: true },
      ],
    },
    { state: [{ name: 'host', value: '%REQ(x-target)%:443', share: 'once' }] },
    { targetFormat: '%FILTER_STATE(host:PLAIN)%' },
  ]);
  expect(loadText(printGraph(graph)).graph).toEqual(graph);
});

const stage = (lines: string) => `stages:\n  a:\n    listen: 1\n${lines}`;

test.each([
  ["    to: '%REQUESTED_SERVER_NAME%:443'\n", 'a target with operators is for a proxy to judge'],
  [
    "    via: http://p:1\n    to: '%BYTES_SENT%:443'\n",
    'to: %BYTES_SENT% has no value at the beginning of a connection',
  ],
  ["    to: db:1\n    state: { a: '%REQ(x)%' }\n", '%REQ% has no value at the beginning of a connection'],
  ["    to: db:1\n    state: { 'a(': x }\n", '"a(" cannot be read'],
  [
    "    via: http://p:1|direct\n    to: '%REQUESTED_SERVER_NAME%:443'\n",
    'a target with operators is for a proxy to judge',
  ],
  [
    '    to: db:1\n    screens: [{ deny: { p: { what: { server-name: { exact: db } } } } }]\n',
    'without TLS of its own a stage sees no server name, so a screen cannot judge by it',
  ],
  ['    proxy: true\n    state: { a: x }\n', 'state does not go with a proxy'],
  ['    proxy: true\n    open: true\n', 'open does not go with a proxy'],
])('%j is refused', (lines, message) => {
  expect(() => loadText(stage(lines))).toThrow(message);
});
