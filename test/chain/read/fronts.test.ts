import { expect, test } from 'vitest';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { drawText } from '../../../src/chain/draw/draw.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

test('a front makes a stage a proxy, and is printed and drawn before its address', () => {
  const text = `stages:
  browser:
    listen: any:1080
    via: http://proxy:3128
  git:
    listen: [ "socks:*:1081", "socks:unix:/run/socks" ]
    proxy:
      users: { alice: "\${PASSWORD}" }
      allow: git.example.com:443
`;
  const { graph, sources } = loadText(text, { PASSWORD: 'x' });
  expect(graph.stages).toMatchObject([
    { name: 'browser', job: 'proxy', front: 'any', listen: [{ host: '127.0.0.1', port: 1080 }], users: {} },
    { name: 'git', job: 'proxy', front: 'socks', allow: ['git.example.com:443'] },
  ]);
  const printed = printGraph(graph, { sources });
  expect(printed).toContain('listen: any:1080\n');
  expect(printed).not.toContain('proxy: true');
  expect(loadText(printed, { PASSWORD: 'x' }).graph).toEqual(graph);
  const drawn = drawText(graph, { fused: new Set() });
  expect(drawn).toContain('on any:127.0.0.1:1080');
  expect(drawn).toContain('on socks:unix:/run/socks');
});

test('a front without an address has a free port', () => {
  const { graph } = loadText('stages: { a: { listen: "socks:" } }');
  expect(graph.stages[0]?.listen).toEqual([{ kind: 'tcp', host: '127.0.0.1', port: 0 }]);
});

test.each([
  ['listen: [ "socks:1080", "http:1081" ]', 'all addresses of a stage have one front'],
  ['listen: [ "socks:1080", 1081 ], proxy: true', 'all addresses of a stage have one front'],
  ['listen: "socks:1080", to: db:5432', 'to does not go with socks:, whose clients name their targets'],
  ['listen: "http:1080", http: { routes: [ { answer: 204 } ] }', 'http: does not go with http'],
])('refuses %s', (stage, message) => {
  expect(refusalOf(() => loadText(`stages: { a: { ${stage} } }`)).message).toContain(message);
});
