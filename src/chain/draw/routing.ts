import type { Box, Layout, PlacedEdge, Point, Size } from './geometry.ts';
import type { PictureEdge, PictureNode } from './picture.ts';

/** A row of boxes or labels: everything in it has the same centre, and is at most twice `half` high. */
export interface Band {
  readonly centre: number;
  half: number;
  /** The horizontal distances of the edges between this band and the one below it. */
  readonly passing: number[];
}

/** A box in its band. */
interface BandBox extends Size {
  readonly x: number;
  readonly band: Band;
}

/** An edge as dagre has placed it: a bend in each band between its ends. */
interface Way {
  readonly edge: PictureEdge;
  readonly bends: readonly { readonly x: number; readonly band: Band }[];
  readonly label?: BandBox;
}

/** What dagre has placed, with each y as a band. */
export interface Placed {
  readonly nodes: readonly (BandBox & { readonly node: PictureNode })[];
  readonly ways: readonly Way[];
  /** The edges from a node to itself. */
  readonly loops: readonly { readonly edge: PictureEdge; readonly size: Size }[];
  readonly bands: readonly Band[];
  readonly labelGap: number;
}

/** The distance between a corner of a box and an edge. */
const cornerGap = 12;
/** The usual distance of two edges at the same side of a box. */
const portGap = 18;
/** The length of the straight end of an edge, which its tip needs. */
const endLength = 12;
/** The least and the greatest distance of two bands. */
const bandGap = { least: 30, most: 64 } as const;
/** The width and the least height of an edge from a box to itself. */
const loopSize = { width: 20, height: 24 } as const;

/** Returns the room that edges from a box to itself need on its right, given the sizes of their labels. */
export function selfRoom(labels: readonly Size[], labelGap: number): Size {
  if (labels.length === 0) return { width: 0, height: 0 };
  const widest = Math.max(...labels.map(({ width }) => width));
  return {
    width: loopSize.width + (widest === 0 ? 0 : labelGap + widest),
    height: labels.reduce((sum, { height }) => sum + Math.max(loopSize.height, height), 0),
  };
}

/**
 * Leads each edge through its bends. A straight line from bend to bend, which is what dagre draws, cuts corners of
 * higher boxes beside the bends. Therefore an edge is vertical as long as it is inside a band, where dagre keeps its
 * column free, and slanted only between bands, where there is nothing.
 */
export function routeEdges(placed: Placed): Pick<Layout, 'nodes' | 'edges'> {
  const { nodes, ways, bands, labelGap } = placed;
  const ports = placePorts(placed);
  const columns = ways.map((way) => {
    const [from, to] = findEnds(way, nodes);
    return [
      { x: ports.get(way)?.from ?? 0, band: from.band },
      ...way.bends,
      { x: ports.get(way)?.to ?? 0, band: to.band },
    ];
  });
  for (const column of columns) noteDistances(column);
  const tops = placeBands(bands);
  const topOf = (band: Band) => tops.get(band) ?? 0;
  const toBox = ({ x, width, height, band }: BandBox): Box => {
    return { x, y: topOf(band) + band.half - height / 2, width, height };
  };
  const joined = ways.map((way, index): PlacedEdge => {
    const [from, to] = findEnds(way, nodes).map(toBox) as [Box, Box];
    const column = columns[index] ?? [];
    const isUpwards = from.y > to.y;
    const points = column.flatMap(({ x, band }, at): Point[] => {
      const [top, bottom] = [topOf(band), topOf(band) + 2 * band.half];
      const [near, far] = isUpwards ? [bottom, top] : [top, bottom];
      if (at === 0) return toColumn(x, isUpwards ? from.y : from.y + from.height, far);
      if (at < column.length - 1) return toColumn(x, near, far);
      const end = isUpwards ? to.y + to.height : to.y;
      return toColumn(x, near + (isUpwards ? endLength : -endLength), end);
    });
    return { edge: way.edge, points: simplify(points), ...(way.label && { label: toBox(way.label) }) };
  });
  const placedNodes = nodes.map((slot) => ({ node: slot.node, ...toBox(slot) }));
  const loops = placedNodes.flatMap((box) =>
    drawLoops(
      box,
      placed.loops.filter(({ edge }) => edge.from === box.node),
      labelGap,
    ),
  );
  return { nodes: placedNodes, edges: [...joined, ...loops] };
}

function toColumn(x: number, start: number, end: number): Point[] {
  return [
    [x, start],
    [x, end],
  ];
}

type NodeSlot = Placed['nodes'][number];

function findEnds({ edge: { from, to } }: Way, nodes: readonly NodeSlot[]): [NodeSlot, NodeSlot] {
  const find = (node: PictureNode) => nodes.find((slot) => slot.node === node) as NodeSlot;
  return [find(from), find(to)];
}

/** An end of an edge at a side of a box, and the column of the bend next to it. */
interface Port {
  readonly way: Way;
  readonly end: 'from' | 'to';
  readonly next: number;
}

/** Gives each edge a place of its own at the sides of its boxes, below or above its next bend if possible. */
function placePorts({ nodes, ways }: Placed): Map<Way, { from: number; to: number }> {
  const found = new Map(ways.map((way) => [way, { from: 0, to: 0 }]));
  for (const slot of nodes) {
    const leaving = ways.filter(({ edge }) => edge.from === slot.node).map((way) => ({ way, end: 'from' as const }));
    const coming = ways.filter(({ edge }) => edge.to === slot.node).map((way) => ({ way, end: 'to' as const }));
    const below: Port[] = [];
    const above: Port[] = [];
    for (const { way, end } of [...leaving, ...coming]) {
      const [from, to] = findEnds(way, nodes);
      const next = (end === 'from' ? way.bends[0] : way.bends.at(-1))?.x ?? slot.x + slot.width / 2;
      const isBelow = end === 'from' ? from.band.centre < to.band.centre : to.band.centre < from.band.centre;
      (isBelow ? below : above).push({ way, end, next });
    }
    for (const side of [below, above]) {
      const sorted = side.toSorted((one, other) => one.next - other.next);
      const xs = spread(
        sorted.map(({ next }) => next),
        slot.x + cornerGap,
        slot.x + slot.width - cornerGap,
      );
      for (const [index, { way, end }] of sorted.entries()) Object.assign(found.get(way) ?? {}, { [end]: xs[index] });
    }
  }
  return found;
}

/** Moves sorted places into a range and apart from each other, each as little as possible. */
function spread(wanted: readonly number[], first: number, end: number): readonly number[] {
  const [least, most] = first < end ? [first, end] : [(first + end) / 2, (first + end) / 2];
  const gap = Math.min(portGap, (most - least) / Math.max(1, wanted.length - 1));
  let last = least - gap;
  const forth = wanted.map((x) => (last = Math.max(last + gap, Math.min(most, x))));
  let next = most + gap;
  return forth
    .toReversed()
    .map((x) => (next = Math.min(next - gap, x)))
    .toReversed();
}

function noteDistances(column: readonly { readonly x: number; readonly band: Band }[]): void {
  for (const [index, { x, band }] of column.entries()) {
    const following = column[index + 1];
    if (!following) continue;
    const upper = band.centre < following.band.centre ? band : following.band;
    upper.passing.push(Math.abs(x - following.x));
  }
}

/** Sets the bands below each other, further apart where edges go far to the side. @returns the top of each band */
function placeBands(bands: readonly Band[]): ReadonlyMap<Band, number> {
  let y = 0;
  return new Map(
    bands
      .toSorted((one, other) => one.centre - other.centre)
      .map((band) => {
        const top = y;
        y += 2 * band.half + Math.min(bandGap.most, bandGap.least + Math.max(0, ...band.passing) / 8);
        return [band, top];
      }),
  );
}

/** Removes points on a straight line between their neighbours. */
function simplify(points: readonly Point[]): readonly Point[] {
  return points.reduce<Point[]>((kept, point) => {
    const [before, last] = kept.slice(-2);
    const isSame = (one: Point | undefined, other: Point) => one?.[0] === other[0] && one[1] === other[1];
    if (isSame(kept.at(-1), point)) return kept;
    const isStraight = before && last && before[0] === last[0] && last[0] === point[0];
    return [...(isStraight ? kept.slice(0, -1) : kept), point];
  }, []);
}

/** Draws the edges from a box to itself on its right side, below each other. */
function drawLoops(box: Box, loops: Placed['loops'], labelGap: number): PlacedEdge[] {
  const right = box.x + box.width;
  const out = right + loopSize.width;
  let top =
    box.y +
    (box.height -
      selfRoom(
        loops.map(({ size }) => size),
        labelGap,
      ).height) /
      2;
  return loops.map(({ edge, size: { width, height } }) => {
    const middle = top + Math.max(loopSize.height, height) / 2;
    top += Math.max(loopSize.height, height);
    const points: Point[] = [
      [right, middle - 7],
      [out, middle - 7],
      [out, middle + 7],
      [right, middle + 7],
    ];
    const label = { x: out + labelGap, y: middle - height / 2, width, height };
    return { edge, points, ...(width > 0 && { label }) };
  });
}
