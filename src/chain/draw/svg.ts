import type { Picture } from './picture.ts';
import { layOut, measures, type PlacedEdge, type PlacedNode } from './svg-layout.ts';

/** The style for light and dark schemes, with the contrast of 4.5 that WCAG 2 requires on a background of its own. */
const style = `
  .ground { fill: #ffffff } text { fill: #1f2328; font: 12px ui-monospace, Menlo, Consolas, monospace }
  .title { font-weight: bold } .words { fill: #59636e } .stage { fill: #f6f8fa; stroke: #59636e }
  .target { fill: #ddf4ff; stroke: #0969da } .way { fill: none; stroke: #59636e; stroke-width: 1.5 }
  .fused { stroke-width: 4 } .tip { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #f0f6fc } .words { fill: #9198a1 }
    .stage { fill: #151b23; stroke: #9198a1 } .target { fill: #0c2d6b; stroke: #4493f8 }
    .way { stroke: #9198a1 } .tip { fill: #9198a1 }
  }`;

const tipHeight = 8;

/** Writes a picture as an SVG document; fused edges are thick arrows. */
export function renderSvg(picture: Picture): string {
  const { nodes, edges, width, height } = layOut(picture);
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  const names = picture.nodes.filter(({ kind }) => kind === 'stage').map(({ title }) => title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>${escapeText(`Stages: ${names.join(', ')}`)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...edges.map(renderEdge),
    ...nodes.map(renderNode),
    ...edges.map(renderWords),
    '</svg>',
    '',
  ].join('\n');
}

function renderNode({ node, x, y, width, height }: PlacedNode): string {
  const { padding, lineHeight } = measures;
  const corner = node.kind === 'stage' ? 4 : height / 2;
  const lines = [node.title, ...node.lines].map((line, index) => {
    const kind = index === 0 && node.kind === 'stage' ? ' class="title"' : '';
    return `<text${kind} x="${round(x + padding)}" y="${round(y + (index + 1) * lineHeight)}">${escapeText(line)}</text>`;
  });
  const box = `<rect class="${node.kind}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${round(corner)}"/>`;
  return [box, ...lines].join('\n');
}

function renderEdge({ edge, points }: PlacedEdge): string {
  const [x = 0, bottom = 0] = points.at(-1) ?? [];
  const ends = points.map(([px, py], index) => (index === points.length - 1 ? [px, py - tipHeight] : [px, py])) as [
    number,
    number,
  ][];
  const [first, ...rest] = ends;
  let path = `M${round(first?.[0] ?? 0)} ${round(first?.[1] ?? 0)}`;
  let [fromX, fromY] = first ?? [0, 0];
  for (const [toX, toY] of rest) {
    const middle = (fromY + toY) / 2;
    path += ` C${round(fromX)} ${round(middle)} ${round(toX)} ${round(middle)} ${round(toX)} ${round(toY)}`;
    [fromX, fromY] = [toX, toY];
  }
  const tip = `M${round(x - 5)} ${round(bottom - tipHeight)}h10l-5 ${tipHeight}z`;
  return `<path class="way${edge.isFused ? ' fused' : ''}" d="${path}"/>\n<path class="tip" d="${tip}"/>`;
}

/** Writes the labels of an edge, to the right of its end. */
function renderWords({ points, words }: PlacedEdge): string {
  const [x = 0, y = 0] = points.at(-1) ?? [];
  const top = y - tipHeight - (words.length - 1) * measures.lineHeight - 6;
  return words
    .map((word, index) => {
      const place = `x="${round(x + 10)}" y="${round(top + index * measures.lineHeight)}"`;
      return `<text class="words" ${place}>${escapeText(word)}</text>`;
    })
    .join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Escapes text for XML. Control characters are replaced, because XML does not allow them even escaped. */
function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/\p{Cc}/gu, '\uFFFD');
}
