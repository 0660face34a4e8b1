import fc from 'fast-check';
import { expect, test } from 'vitest';
import { securedSchemes } from '../../../src/carriers/index.ts';
import { drawSvg } from '../../../src/chain/draw/draw.ts';
import type { PictureEdge, PictureNode } from '../../../src/chain/draw/picture.ts';
import { renderSvg } from '../../../src/chain/draw/svg.ts';
import { findOverlaps, readDrawing } from '../../support/drawing.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { forty, one, six } from './files.ts';

const facts = { fused: new Set(['encap']), secured: securedSchemes };

test.each([
  ['chain-1.svg', one, 1, 1],
  ['chain-6.svg', six, 6, 11],
  ['chain-40.svg', forty, 40, 59],
])('%s has everything, and nothing over anything else', async (name, file, stages, edges) => {
  const svg = await drawSvg(loadText(file).graph, facts);
  await expect(svg).toMatchFileSnapshot(`../../golden/${name}`);
  const drawing = readDrawing(svg);
  expect(findOverlaps(drawing)).toEqual([]);
  expect(svg.match(/class="title"/g)).toHaveLength(stages);
  expect(drawing.edges).toHaveLength(edges);
});

test('a drawing of many stages needs no wide window', async () => {
  const { page } = readDrawing(await drawSvg(loadText(forty).graph, facts));
  expect(page.right).toBeLessThan(1800);
});

test('counters that grow move nothing, and each drawing has its own', async () => {
  const draw = (tunnels: number) =>
    drawSvg(loadText(six).graph, {
      ...facts,
      counters: new Map([['pages', { tunnels, sent: 17, received: tunnels }]]),
    });
  const [few, many] = [await draw(2), await draw(31)];
  expect(few).toContain('>2 tunnels, sent 17, received 2</text>');
  expect(many).toBe(few.replace('2 tunnels, sent 17, received 2', '31 tunnels, sent 17, received 31'));
});

const word = fc.string({ unit: fc.constantFrom('a', '<', '&', ' ', '/'), minLength: 1, maxLength: 40 });
const node = fc.record({
  kind: fc.constantFrom('stage' as const, 'target' as const),
  job: fc.constantFrom('forward' as const, 'proxy' as const, 'http' as const),
  isSecured: fc.boolean(),
  title: word,
  lines: fc.array(word, { maxLength: 6 }),
});
const label = fc.record({ text: word, isSecured: fc.boolean() });
const end = fc.nat({ max: 11 });
const edge = fc.record({ from: end, to: end, labels: fc.array(label, { maxLength: 4 }), isFused: fc.boolean() });

test('whatever leads where, also in circles and to itself, nothing is over anything else', () => {
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 12 }), fc.array(edge, { maxLength: 20 }), (some, ends) => {
      const nodes = some as PictureNode[];
      const at = (index: number) => nodes[index % nodes.length]!;
      const edges = ends.map(({ from, to, ...rest }): PictureEdge => ({ ...rest, from: at(from), to: at(to) }));
      const drawing = readDrawing(renderSvg({ nodes, edges }));
      expect(drawing.boxes).toHaveLength(nodes.length);
      expect(drawing.edges).toHaveLength(edges.length);
      expect(findOverlaps(drawing)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('what overlaps is found', () => {
  const parts = [
    '<rect class="forward" x="20" y="20" width="80" height="40" rx="4"/>',
    '<rect class="forward" x="90" y="30" width="80" height="40" rx="4"/>',
    '<rect class="proxy" x="20" y="200" width="80" height="40" rx="4"/>',
    '<polyline class="way" points="60,60 60,130 60,192"/>',
    '<polygon class="tip" points="55,192 65,192 60,200"/>',
    '<polyline class="way" points="30,20 30,100 30,190"/>',
    '<polygon class="tip" points="25,190 35,190 30,198"/>',
    '<text class="words" x="50" y="120">crossed</text>',
    '<text x="60" y="210">far too long</text>',
  ];
  expect(findOverlaps(readDrawing(`<svg width="150" height="300">${parts.join('\n')}</svg>`))).toEqual([
    'box 1 is outside of the page',
    'box 1 is over box 0',
    'far too long is across the side of box 2',
    'edge 0 crosses crossed',
    'edge 1 crosses box 0',
    'edge 1 has an end at no box',
  ]);
});
