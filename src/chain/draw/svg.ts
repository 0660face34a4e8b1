import type { Box, PlacedEdge, PlacedNode, Point, Size } from './geometry.ts';
import { layOut } from './layout.ts';
import { listLabels, type Picture, type PictureEdge, type PictureLabel, type PictureNode } from './picture.ts';

/** The style for light and dark schemes, with the contrast of 4.5 that WCAG 2 requires on a background of its own. */
const style = `
  .ground { fill: #ffffff } text { fill: #1f2328; font: 12px ui-monospace, Menlo, Consolas, monospace; white-space: pre }
  .title { font-weight: bold } .words { fill: #59636e }
  .forward { fill: #f6f8fa; stroke: #59636e } .proxy { fill: #fbefff; stroke: #8250df }
  .http { fill: #dafbe1; stroke: #1a7f37 } .target { fill: #ddf4ff; stroke: #0969da }
  .way { fill: none; stroke: #59636e; stroke-width: 1.5; stroke-linejoin: round } .fused { stroke-width: 4 }
  .tip { fill: #59636e } .lock { fill: #9a6700 } .shackle { fill: none; stroke: #9a6700; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #f0f6fc } .words { fill: #9198a1 }
    .forward { fill: #151b23; stroke: #9198a1 } .proxy { fill: #271052; stroke: #ab7df8 }
    .http { fill: #04260f; stroke: #3fb950 } .target { fill: #0c2d6b; stroke: #4493f8 }
    .way { stroke: #9198a1 } .tip { fill: #9198a1 } .lock { fill: #d29922 } .shackle { stroke: #d29922 }
  }`;

/** The style of edges whose width shows their rates. */
const liveStyle = `
  .calm { stroke-width: 1 } .rate1 { stroke-width: 2 } .rate2 { stroke-width: 3.5 } .rate3 { stroke-width: 5.5 }
  .rate4 { stroke-width: 8 }`;

/** Measures of a drawing, in pixels. The advance is that of a monospaced font. */
const advance = 7.3;
const lineHeight = 18;
const padding = 12;
const lockWidth = 16;
/** Boxes of stages grow in steps, so that a counter with one more digit moves nothing. */
const widthStep = 4 * advance;
/** The height of letters above their line. */
const ascent = 11;
const tipLength = 8;
const tipHalf = 5;

/** Writes a picture as an SVG document; fused edges are thick arrows, and a lock stands where TLS is spoken. */
export function renderSvg(picture: Picture): string {
  const { nodes, edges, width, height } = layOut(picture, { sizeNode, sizeLabels });
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  const names = picture.nodes.filter(({ kind }) => kind === 'stage').map(({ title }) => title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>${escapeText(`Stages: ${names.join(', ')}`)}</title>`,
    `<style>${style}${picture.isLive ? liveStyle : ''}\n</style>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...edges.map(renderEdge),
    ...nodes.map((placed) => renderNode(placed, picture)),
    ...edges.flatMap(renderLabels),
    '</svg>',
    '',
  ].join('\n');
}

function sizeNode({ kind, title, lines, isSecured }: PictureNode): Size {
  const widths = [countColumns(title) * advance + (isSecured ? lockWidth : 0), ...lines.map(widthOf)];
  const widest = Math.max(...widths);
  const width = kind === 'stage' ? roundUp(widest, widthStep) : widest;
  return { width: width + 2 * padding, height: (lines.length + 1) * lineHeight + padding };
}

function sizeLabels(edge: PictureEdge): Size {
  const labels = listLabels(edge);
  const widths = labels.map(({ text, isSecured }) => widthOf(text) + (isSecured ? lockWidth : 0));
  return { width: Math.max(0, ...widths), height: labels.length * lineHeight };
}

function widthOf(text: string): number {
  return countColumns(text) * advance;
}

/** Counts the columns of a text. Characters beyond the alphabets count twice, because most of them are twice as wide. */
function countColumns(text: string): number {
  return Array.from(text).reduce(
    (sum, character) => sum + ((character.codePointAt(0) ?? 0) < 0x1100 || '…→←'.includes(character) ? 1 : 2),
    0,
  );
}

/** Draws the box of a node; in the picture of a running graph it can be told which stage it is. */
function renderNode({ node, x, y, width, height }: PlacedNode, { isLive }: Picture): string {
  const corner = node.kind === 'stage' ? 4 : height / 2;
  const kind = node.job ?? node.kind;
  const lines = [node.title, ...node.lines].map((line, index) => {
    const classes = index === 0 && node.kind === 'stage' ? 'title' : undefined;
    return renderText(line, x + padding, y + (index + 1) * lineHeight, classes);
  });
  const lock = node.isSecured ? [renderLock(x + width - padding - 10, y + lineHeight)] : [];
  const name = isLive && node.kind === 'stage' ? ` data-stage="${escapeText(node.title)}"` : '';
  const box = `<rect class="${kind}"${name} ${place({ x, y, width, height })} rx="${round(corner)}"/>`;
  return [box, ...lines, ...lock].join('\n');
}

function renderEdge({ edge, points }: PlacedEdge): string {
  const [end = [0, 0], before = [0, 0]] = [points.at(-1), points.at(-2)];
  const [dx, dy] = [Math.sign(end[0] - before[0]), Math.sign(end[1] - before[1])];
  const neck: Point = [end[0] - dx * tipLength, end[1] - dy * tipLength];
  const line = [...points.slice(0, -1), neck].map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  const corners: Point[] = [
    [neck[0] - dy * tipHalf, neck[1] + dx * tipHalf],
    [neck[0] + dy * tipHalf, neck[1] - dx * tipHalf],
    end,
  ];
  const tip = corners.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return `<polyline class="way${chooseWidth(edge)}" points="${line}"/>\n<polygon class="tip" points="${tip}"/>`;
}

/** Chooses the class for the width of an edge: a step for each factor of 100, or whether it is fused if it has no rate. */
function chooseWidth({ isFused, rate }: PictureEdge): string {
  if (!rate) return isFused ? ' fused' : '';
  const bytes = rate.sent + rate.received;
  return bytes === 0 ? ' calm' : ` rate${Math.min(4, Math.max(1, Math.ceil(Math.log10(bytes) / 2)))}`;
}

/** Writes the labels of an edge beside it, a lock before those that TLS secures. */
function renderLabels({ edge, label }: PlacedEdge): string[] {
  if (!label) return [];
  return listLabels(edge).flatMap(({ text, isSecured }: PictureLabel, index) => {
    const base = label.y + index * lineHeight + ascent + 2;
    const lock = isSecured ? [renderLock(label.x, base)] : [];
    return [...lock, renderText(text, label.x + (isSecured ? lockWidth : 0), base, 'words')];
  });
}

function renderText(text: string, x: number, y: number, kind: string | undefined): string {
  const classes = kind === undefined ? '' : ` class="${kind}"`;
  return `<text${classes} x="${round(x)}" y="${round(y)}">${escapeText(text)}</text>`;
}

/** Draws a lock of 10 by 11 pixels that stands on a line of text. */
function renderLock(x: number, base: number): string {
  const shackle = `M${round(x + 2.5)} ${round(base - 6)}v-2a2.5 2.5 0 0 1 5 0v2`;
  const body = `x="${round(x)}" y="${round(base - 6)}" width="10" height="7" rx="1.5"`;
  return `<g><title>TLS</title><path class="shackle" d="${shackle}"/><rect class="lock" ${body}/></g>`;
}

function place({ x, y, width, height }: Box): string {
  return `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
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
