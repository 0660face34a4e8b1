import { Graph, layout } from '@dagrejs/dagre';
import type { Box, Layout, Point, Size } from './geometry.ts';
import { orderRows } from './order.ts';
import type { Picture, PictureEdge, PictureNode } from './picture.ts';
import { type Band, routeEdges, selfRoom } from './routing.ts';

/** The sizes of the parts of a picture. */
export interface Sizes {
  readonly sizeNode: (node: PictureNode) => Size;
  /** The size of the labels of an edge; a width of 0 if it has none. */
  readonly sizeLabels: (edge: PictureEdge) => Size;
}

/** What dagre adds to nodes and edges: their centre, or that of the labels, and the points of an edge. */
interface Laid {
  readonly x?: number;
  readonly y?: number;
  readonly points?: readonly { readonly x: number; readonly y: number }[];
}

/** The gap between an edge and its labels. */
const labelGap = 10;
/** The room above and below labels. */
const labelPadding = 4;
const margin = 20;
/** The gap between parts that are not connected. */
const partGap = 40;
/** A drawing that is wider than this leads from the left to the right, so that it grows downwards. */
const usualWidth = 1280;

/** The last picture with its layout: that of a running program is drawn again and again, and only its texts differ. */
let last: { readonly key: string; readonly picture: Picture; readonly layout: Layout } | undefined;

/**
 * Lays out a picture so that no two boxes or labels overlap, and no edge crosses one of them. It leads from the top to
 * the bottom, or from the left to the right if that is less wide. Parts that are not connected stand beside each other.
 */
export function layOut(picture: Picture, sizes: Sizes): Layout {
  const { nodes, edges } = picture;
  const places = new Map(nodes.map((node, index) => [node, index]));
  const key = JSON.stringify([
    nodes.map(sizes.sizeNode),
    edges.map((edge) => [places.get(edge.from), places.get(edge.to), sizes.sizeLabels(edge)]),
  ]);
  if (last?.key !== key) last = { key, picture, layout: layOutAnew(picture, sizes) };
  const { picture: known, layout: laid } = last;
  const renew = <T>(news: readonly T[], olds: readonly T[], old: T): T => news[olds.indexOf(old)] ?? old;
  return {
    ...laid,
    nodes: laid.nodes.map((placed) => ({ ...placed, node: renew(nodes, known.nodes, placed.node) })),
    edges: laid.edges.map((placed) => ({ ...placed, edge: renew(edges, known.edges, placed.edge) })),
  };
}

function layOutAnew(picture: Picture, sizes: Sizes): Layout {
  const parts = splitParts(picture);
  const down = pack(parts.map((part) => layOutPart(part, sizes)));
  if (down.width <= usualWidth) return down;
  const turned = {
    sizeNode: (node: PictureNode) => turnSize(sizes.sizeNode(node)),
    sizeLabels: (edge: PictureEdge) => turnSize(sizes.sizeLabels(edge)),
  };
  const right = pack(parts.map((part) => turn(layOutPart(part, turned))));
  return right.width < down.width ? right : down;
}

/** Splits a picture into its connected parts, in the order of their first nodes. */
function splitParts({ nodes, edges }: Picture): readonly Picture[] {
  const beside = new Map<PictureNode, PictureNode[]>(nodes.map((node) => [node, []]));
  for (const { from, to } of edges) {
    beside.get(from)?.push(to);
    beside.get(to)?.push(from);
  }
  const seen = new Set<PictureNode>();
  return nodes.flatMap((node) => {
    if (seen.has(node)) return [];
    const part = new Set([node]);
    for (const member of part) for (const next of beside.get(member) ?? []) part.add(next);
    for (const member of part) seen.add(member);
    return [{ nodes: nodes.filter((one) => part.has(one)), edges: edges.filter(({ from }) => part.has(from)) }];
  });
}

/** Lays out a connected part from the top to the bottom. Its top left corner is at 0, 0. */
function layOutPart({ nodes, edges }: Picture, { sizeNode, sizeLabels }: Sizes): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ nodesep: 40, edgesep: 24, ranksep: 40 });
  const ids = new Map(nodes.map((node, index) => [node, String(index)]));
  const idOf = (node: PictureNode) => ids.get(node) ?? '';
  const slots = nodes.map((node) => {
    // An edge from a node to itself is part of the room of the node, on its right.
    const loops = edges.filter(({ from, to }) => from === node && to === node).map(sizeLabels);
    const room = selfRoom(loops, labelGap);
    const { width, height } = sizeNode(node);
    return { node, width, height: Math.max(height, room.height), slotWidth: width + room.width };
  });
  for (const { node, slotWidth, height } of slots) graph.setNode(idOf(node), { width: slotWidth, height });
  const between = edges.filter(({ from, to }) => from !== to);
  for (const [index, edge] of between.entries()) {
    const { width, height } = sizeLabels(edge);
    const label = width === 0 ? {} : { width, height: height + 2 * labelPadding, labelpos: 'r', labeloffset: labelGap };
    graph.setEdge(idOf(edge.from), idOf(edge.to), label, String(index));
  }
  layout(graph, { customOrder: orderRows });

  const bands = new Map<number, Band>();
  const toBand = (centre: number, height: number): Band => {
    const key = Math.round(centre);
    const band = bands.get(key) ?? { centre, half: 0, passing: [] };
    band.half = Math.max(band.half, height / 2);
    bands.set(key, band);
    return band;
  };
  const placedNodes = slots.map(({ node, width, height, slotWidth }) => {
    const { x = 0, y = 0 } = graph.node(idOf(node)) as Laid;
    return { node, width, height, x: x - slotWidth / 2, band: toBand(y, height) };
  });
  const ways = between.map((edge, index) => {
    const found = graph.edge(idOf(edge.from), idOf(edge.to), String(index)) as Laid;
    const { width, height } = sizeLabels(edge);
    const label =
      width === 0
        ? undefined
        : { width, height, x: (found.x ?? 0) - width / 2, band: toBand(found.y ?? 0, height + 2 * labelPadding) };
    // The first and the last point are on the boxes, where each edge gets a place of its own.
    const bends = (found.points ?? []).slice(1, -1).map(({ x, y }) => ({ x, band: toBand(y, 0) }));
    return { edge, bends, ...(label && { label }) };
  });
  const loops = edges.filter(({ from, to }) => from === to).map((edge) => ({ edge, size: sizeLabels(edge) }));
  return toOrigin(routeEdges({ nodes: placedNodes, ways, loops, bands: [...bands.values()], labelGap }));
}

/** Moves a part so that its top left corner is at 0, 0. */
function toOrigin({ nodes, edges }: Pick<Layout, 'nodes' | 'edges'>): Layout {
  const boxes = [...nodes, ...edges.flatMap(({ label }) => label ?? [])];
  const points = [
    ...boxes.flatMap(({ x, y, width, height }): Point[] => [
      [x, y],
      [x + width, y + height],
    ]),
    ...edges.flatMap((edge) => edge.points),
  ];
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return move({ nodes, edges, width: Math.max(...xs) - left, height: Math.max(...ys) - top }, -left, -top);
}

function move({ nodes, edges, ...size }: Layout, dx: number, dy: number): Layout {
  const moveBox = <B extends Box>(box: B): B => ({ ...box, x: box.x + dx, y: box.y + dy });
  return {
    ...size,
    nodes: nodes.map(moveBox),
    edges: edges.map(({ edge, points, label }) => ({
      edge,
      points: points.map(([x, y]): Point => [x + dx, y + dy]),
      ...(label && { label: moveBox(label) }),
    })),
  };
}

/** Exchanges the axes: what led from the top to the bottom leads from the left to the right. */
function turn({ nodes, edges, ...size }: Layout): Layout {
  const turnBox = <B extends Box>(box: B): B => ({ ...box, ...turnSize(box), x: box.y, y: box.x });
  return {
    ...turnSize(size),
    nodes: nodes.map(turnBox),
    edges: edges.map(({ edge, points, label }) => ({
      edge,
      points: points.map(([x, y]): Point => [y, x]),
      ...(label && { label: turnBox(label) }),
    })),
  };
}

function turnSize({ width, height }: Size): Size {
  return { width: height, height: width };
}

/** Sets the parts in rows that are as wide as the widest part, or as is usual. */
function pack(parts: readonly Layout[]): Layout {
  const limit = Math.max(usualWidth - 2 * margin, ...parts.map(({ width }) => width));
  let [x, y, rowHeight, widest] = [0, 0, 0, 0];
  const placed = parts.map((part) => {
    if (x > 0 && x + part.width > limit) [x, y, rowHeight] = [0, y + rowHeight + partGap, 0];
    const moved = move(part, x + margin, y + margin);
    widest = Math.max(widest, x + part.width);
    rowHeight = Math.max(rowHeight, part.height);
    x += part.width + partGap;
    return moved;
  });
  return {
    nodes: placed.flatMap(({ nodes }) => nodes),
    edges: placed.flatMap(({ edges }) => edges),
    width: widest + 2 * margin,
    height: y + rowHeight + 2 * margin,
  };
}
