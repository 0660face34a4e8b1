import type { Picture, PictureEdge, PictureNode } from './picture.ts';

/** Measures of a drawing, in pixels. The advance is that of a monospaced font. */
export const measures = {
  advance: 7.3,
  lineHeight: 18,
  padding: 12,
  gapAcross: 40,
  gapDown: 34,
  margin: 20,
} as const;

/** A node with its position. */
export interface PlacedNode {
  readonly node: PictureNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge with the points through which it goes, and its labels. */
export interface PlacedEdge {
  readonly edge: PictureEdge;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly words: readonly string[];
}

/** A picture with the positions of all its parts. */
export interface Layout {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

/** A node in its row, or the space that a longer edge needs to pass the row. */
interface Slot {
  readonly node?: PictureNode;
  readonly width: number;
  readonly height: number;
  readonly above: Slot[];
  x: number;
  y: number;
}

/** Lays out a picture: each node is in a row below all its predecessors, and edges lead from row to row. */
export function layOut({ nodes, edges }: Picture): Layout {
  const ranks = rankNodes(nodes, edges);
  const rows: Slot[][] = Array.from({ length: Math.max(0, ...ranks.values()) + 1 }, () => []);
  const slots = new Map<PictureNode, Slot>();
  for (const node of nodes) {
    const slot: Slot = { node, ...measureNode(node), above: [], x: 0, y: 0 };
    slots.set(node, slot);
    rows[ranks.get(node) ?? 0]?.push(slot);
  }
  const ways = edges.map((edge) => ({ edge, way: threadEdge(edge, ranks, rows, slots) }));
  const labelRoom = rows.map((_row, rank) => measureLabels(edges.filter(({ from }) => ranks.get(from) === rank)));
  const width = placeRows(rows, labelRoom);
  const height = Math.max(0, ...rows.flat().map(({ y, height: own }) => y + own)) + measures.margin;
  return {
    nodes: nodes.map((node) => toPlaced(node, slots.get(node) as Slot)),
    edges: ways.map(({ edge, way }) => ({ edge, points: toPoints(way), words: wordsOf(edge) })),
    width,
    height,
  };
}

/** Lists the labels beside an edge. */
function wordsOf({ labels, isFused }: PictureEdge): readonly string[] {
  return [...labels, ...(isFused ? ['fused'] : [])];
}

/** Gives each node the length of its longest path from a root, so that its predecessors are always above it. */
function rankNodes(nodes: readonly PictureNode[], edges: readonly PictureEdge[]): Map<PictureNode, number> {
  const ranks = new Map<PictureNode, number>();
  const rank = (node: PictureNode): number => {
    const known = ranks.get(node);
    if (known !== undefined) return known;
    // A graph that was not checked may have a loop, which is cut here.
    ranks.set(node, 0);
    const above = edges.filter(({ to }) => to === node).map(({ from }) => rank(from) + 1);
    const found = Math.max(0, ...above);
    ranks.set(node, found);
    return found;
  };
  for (const node of nodes) rank(node);
  return ranks;
}

function threadEdge(
  { from, to }: PictureEdge,
  ranks: ReadonlyMap<PictureNode, number>,
  rows: readonly Slot[][],
  slots: ReadonlyMap<PictureNode, Slot>,
): readonly Slot[] {
  const way = [slots.get(from) as Slot];
  const [start = 0, end = 0] = [ranks.get(from), ranks.get(to)];
  for (let rank = start + 1; rank < end; rank++) {
    const slot: Slot = { width: measures.gapAcross, height: 0, above: way.slice(-1), x: 0, y: 0 };
    rows[rank]?.push(slot);
    way.push(slot);
  }
  const last = slots.get(to) as Slot;
  last.above.push(...way.slice(-1));
  return [...way, last];
}

function measureNode({ title, lines }: PictureNode): { width: number; height: number } {
  const columns = Math.max(title.length, ...lines.map(({ length }) => length));
  const { advance, padding, lineHeight } = measures;
  return { width: columns * advance + 2 * padding, height: (lines.length + 1) * lineHeight + padding };
}

function measureLabels(edges: readonly PictureEdge[]): { width: number; height: number } {
  const words = edges.map(wordsOf);
  const columns = Math.max(0, ...words.flat().map(({ length }) => length));
  const lines = Math.max(0, ...words.map(({ length }) => length));
  return { width: columns * measures.advance, height: lines * measures.lineHeight };
}

/** Places the rows from the top, each slot below its predecessors if possible. @returns the width of the drawing */
function placeRows(rows: readonly Slot[][], labelRoom: readonly { width: number; height: number }[]): number {
  const { gapAcross, gapDown, margin } = measures;
  let y: number = margin;
  let widest = 0;
  for (const [rank, row] of rows.entries()) {
    row.sort((one, other) => centreAbove(one) - centreAbove(other));
    const gap = Math.max(gapAcross, rank === 0 ? 0 : (labelRoom[rank - 1]?.width ?? 0) / 2);
    let x = 0;
    for (const slot of row) {
      Object.assign(slot, { x, y });
      x += slot.width + gap;
    }
    const total = x - gap;
    for (const slot of row) slot.x -= total / 2;
    const labels = labelRoom[rank] ?? { width: 0, height: 0 };
    widest = Math.max(widest, total, labels.width * 2 + gapAcross);
    y += Math.max(0, ...row.map(({ height }) => height)) + gapDown + labels.height;
  }
  for (const slot of rows.flat()) slot.x += widest / 2 + margin;
  return widest + 2 * margin;
}

function centreAbove({ above }: Slot): number {
  return above.length === 0 ? 0 : above.reduce((sum, { x, width }) => sum + x + width / 2, 0) / above.length;
}

function toPlaced(node: PictureNode, { x, y, width, height }: Slot): PlacedNode {
  return { node, x, y, width, height };
}

function toPoints(way: readonly Slot[]): (readonly [number, number])[] {
  return way.map(({ x, y, width, height }, index) => [x + width / 2, index === 0 ? y + height : y]);
}
