import { readXml } from './xml.ts';

/** A rectangle by its sides. */
interface Area {
  readonly name: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

type Point = readonly [x: number, y: number];

/** A drawing of stages, as its SVG places it. */
export interface Drawing {
  readonly page: Area;
  readonly boxes: readonly Area[];
  /** The texts, and the locks beside them. */
  readonly marks: readonly Area[];
  /** The points of each edge, with the end of its tip as the last one. */
  readonly edges: readonly (readonly Point[])[];
}

/** The width of a character of the monospaced font, in pixels: a little less than what drawings count on. */
const advance = 7.2;

/** Reads the places of everything in a drawing of stages. */
export function readDrawing(svg: string): Drawing {
  const elements = readXml(svg.replace(/<style>[^]*<\/style>/, ''));
  const toArea = (name: string, { x, y, width, height }: Record<string, string>): Area => {
    const [left, top] = [Number(x), Number(y)];
    return { name, left, top, right: left + Number(width), bottom: top + Number(height) };
  };
  const named = (name: string) => elements.filter((element) => element.name === name);
  const rects = named('rect').filter(({ attributes }) => attributes['class'] !== 'ground');
  const texts = [...svg.matchAll(/<text(?: class="\w+")? x="([\d.]+)" y="([\d.]+)">([^<]*)<\/text>/g)];
  if (texts.length !== named('text').length) throw new Error('a text could not be read');
  const words = texts.map(([, x, y, escaped = '']): Area => {
    const text = escaped.replaceAll(/&(?:amp|lt|gt|quot);/g, '&');
    const [left, base] = [Number(x), Number(y)];
    return { name: text, left, top: base - 9, right: left + Array.from(text).length * advance, bottom: base + 3 };
  });
  const tips = named('polygon').map(({ attributes }) => readPoints(attributes).at(-1)!);
  const [root] = elements;
  const { width, height } = root?.attributes ?? {};
  return {
    page: { name: 'page', left: 0, top: 0, right: Number(width), bottom: Number(height) },
    boxes: rects
      .filter(({ attributes: { class: kind } }) => kind !== 'lock')
      .map(({ attributes }, index) => toArea(`box ${index}`, attributes)),
    marks: [
      ...words,
      ...rects
        .filter(({ attributes: { class: kind } }) => kind === 'lock')
        .map(({ attributes }) => toArea('lock', attributes)),
    ],
    edges: named('polyline').map(({ attributes }, index) => [...readPoints(attributes), tips[index]!]),
  };
}

function readPoints({ points = '' }: Record<string, string>): Point[] {
  return points.split(' ').map((point) => point.split(',').map(Number) as [number, number]);
}

/** Lists everything that overlaps in a drawing, or that an edge crosses; none if it can be read. */
export function findOverlaps({ page, boxes, marks, edges }: Drawing): readonly string[] {
  const found: string[] = [];
  for (const [index, box] of boxes.entries()) {
    if (!isInside(box, page)) found.push(`${box.name} is outside of the page`);
    for (const other of boxes.slice(0, index)) if (isOver(box, other)) found.push(`${box.name} is over ${other.name}`);
  }
  for (const [index, mark] of marks.entries()) {
    if (!isInside(mark, page)) found.push(`${mark.name} is outside of the page`);
    for (const other of marks.slice(0, index))
      if (isOver(mark, other)) found.push(`${mark.name} is over ${other.name}`);
    for (const box of boxes) {
      if (isOver(mark, box) && !isInside(mark, box)) found.push(`${mark.name} is across the side of ${box.name}`);
    }
  }
  for (const [index, points] of edges.entries()) {
    for (const area of [...boxes, ...marks]) {
      const isCrossed = points.slice(1).some((point, at) => isCrossing(points[at]!, point, area));
      if (isCrossed) found.push(`edge ${index} crosses ${area.name}`);
    }
    for (const end of [points[0]!, points.at(-1)!]) {
      if (!boxes.some((box) => isOnSide(end, box))) found.push(`edge ${index} has an end at no box`);
    }
    const isOut = points.some(([x, y]) => x < 0 || y < 0 || x > page.right || y > page.bottom);
    if (isOut) found.push(`edge ${index} leaves the page`);
  }
  return found;
}

/** Coordinates are rounded to a tenth. */
const fuzz = 0.2;

function isOver(one: Area, other: Area): boolean {
  return (
    one.left < other.right - fuzz &&
    other.left < one.right - fuzz &&
    one.top < other.bottom - fuzz &&
    other.top < one.bottom - fuzz
  );
}

function isInside(one: Area, other: Area): boolean {
  return one.left >= other.left && one.right <= other.right && one.top >= other.top && one.bottom <= other.bottom;
}

function isOnSide([x, y]: Point, { left, top, right, bottom }: Area): boolean {
  const isNear = (one: number, other: number) => Math.abs(one - other) <= fuzz;
  const isWithin = x >= left - fuzz && x <= right + fuzz && y >= top - fuzz && y <= bottom + fuzz;
  return isWithin && (isNear(x, left) || isNear(x, right) || isNear(y, top) || isNear(y, bottom));
}

/** True if a line has a part inside an area: what Liang and Barsky's clipping leaves of it is longer than nothing. */
function isCrossing([x, y]: Point, [toX, toY]: Point, { left, top, right, bottom }: Area): boolean {
  let [start, end] = [0, 1];
  const clip = (distance: number, room: number): boolean => {
    if (distance === 0) return room > 0;
    const at = room / distance;
    if (distance < 0) start = Math.max(start, at);
    else end = Math.min(end, at);
    return start < end;
  };
  return (
    clip(x - toX, x - left - fuzz) &&
    clip(toX - x, right - fuzz - x) &&
    clip(y - toY, y - top - fuzz) &&
    clip(toY - y, bottom - fuzz - y)
  );
}
