import type { PictureEdge, PictureNode } from './picture.ts';

/** A width and a height, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle; `x` and `y` are its top left corner. */
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

/** A place in a drawing. */
export type Point = readonly [x: number, y: number];

/** A node with its place. */
export interface PlacedNode extends Box {
  readonly node: PictureNode;
}

/** An edge with the points of its polyline, from its source to its target, and the room of its labels. */
export interface PlacedEdge {
  readonly edge: PictureEdge;
  readonly points: readonly Point[];
  /** Absent for an edge without labels. */
  readonly label?: Box;
}

/** A picture with the places of all its parts. */
export interface Layout extends Size {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}
