import { expect, test } from 'vitest';
import { drawText } from '../../../src/chain/draw/draw.ts';
import { makePicture } from '../../../src/chain/draw/picture.ts';
import { loadText } from '../../support/graphs/chain-file.ts';

/** Lists the edges of the stage `a`, with the stage `gate` that listens on an address. */
function listEdges(stage: string, listen: string): readonly string[] {
  const { graph } = loadText(`stages:
  a: ${stage}
  gate: { listen: '${listen}', proxy: {}, to: end:1 }
`);
  const { edges } = makePicture(graph, { fused: new Set() });
  return edges
    .filter(({ from }) => from.title === 'a')
    .map(({ to, labels }) => [to.title, ...labels.map(({ text }) => text)].join(', '));
}

test.each([
  ['127.0.0.1:3128', '127.0.0.1:3128'],
  ['127.0.0.1:3128', 'localhost:3128'],
  ['localhost:3128', '127.0.0.1:3128'],
  ['[::1]:3128', 'localhost:3128'],
  ['0.0.0.0:3128', '127.0.0.1:3128'],
  ['[::]:3128', '127.0.0.1:3128'],
  ['[::]:3128', '[::1]:3128'],
  ['127.0.0.1:3128', '0.0.0.0:3128'],
  ['10.1.2.3:3128', '10.1.2.3:3128'],
  ['edge.corp:3128', 'edge.corp:3128'],
])('a stage on %s is the proxy at %s and the target there', (listen, address) => {
  expect(listEdges(`{ listen: 10, via: 'http://${address}', to: b:2 }`, listen)).toEqual([
    `gate, via http://${address}, to b:2`,
  ]);
  expect(listEdges(`{ listen: 10, to: '${address}' }`, listen)).toEqual([`gate, ${address}`]);
});

test.each([
  ['127.0.0.1:3128', '127.0.0.1:3129'],
  ['127.0.0.1:3128', '127.0.0.2:3128'],
  ['127.0.0.1:3128', '[::1]:3128'],
  ['0.0.0.0:3128', '[::1]:3128'],
  ['0.0.0.0:3128', 'proxy.corp:3128'],
  ['[::]:3128', '10.1.2.3:3128'],
])('a stage on %s is not certain to be the proxy at %s', (listen, address) => {
  expect(listEdges(`{ listen: 10, via: 'http://${address}', to: b:2 }`, listen)).toEqual([
    `b:2, via http://${address}`,
  ]);
});

test('a stage on a Unix socket is the proxy there', () => {
  expect(listEdges(`{ listen: 10, via: 'http://unix:/run/gate', to: b:2 }`, 'unix:/run/gate')).toEqual([
    'gate, via http://unix:/run/gate, to b:2',
  ]);
});

test('an alternative that is a stage has an edge of its own', () => {
  const stage = `{ listen: 10, via: ['http://far:1|http://127.0.0.1:3128', 'http://next:2'], to: [b:2, c:3] }`;
  expect(listEdges(stage, '3128')).toEqual([
    'gate, via http://127.0.0.1:3128, via http://next:2, to b:2 or c:3',
    'b:2, via http://far:1, via http://next:2',
    'c:3, via http://far:1, via http://next:2',
  ]);
});

test('behind a proxy the same address is a place on another machine', () => {
  expect(listEdges(`{ listen: 10, via: 'http://far:1', to: '127.0.0.1:3128' }`, '3128')).toEqual([
    '127.0.0.1:3128, via http://far:1',
  ]);
  expect(listEdges(`{ listen: 10, via: ['http://far:1', 'http://127.0.0.1:3128'], to: b:2 }`, '3128')).toEqual([
    'b:2, via http://far:1, via http://127.0.0.1:3128',
  ]);
});

test('stages that dial each other in a circle are drawn as well', () => {
  const { graph } = loadText(`stages:
  a: { listen: 1, via: 'http://127.0.0.1:2', to: x:1 }
  b: { listen: 2, proxy: {}, via: 'http://127.0.0.1:1' }
`);
  expect(drawText(graph, { fused: new Set() })).toBe(`┌─ a ────────────┐
│ on 127.0.0.1:1 │
│ forward        │
└────────────────┘
  │ via http://127.0.0.1:2
  │ to x:1
  ▼
┌─ b ────────────┐
│ on 127.0.0.1:2 │
│ proxy          │
└────────────────┘
  │ via http://127.0.0.1:1
  │ to the requested target
  ▼
a, as above
`);
});
