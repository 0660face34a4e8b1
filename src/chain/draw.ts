import { renderMermaid } from './draw-mermaid.ts';
import { renderSvg } from './draw-svg.ts';
import { renderText } from './draw-text.ts';
import type { Graph } from './model.ts';
import { makePicture, type PictureOptions } from './picture.ts';

/** How a graph is drawn for a terminal. */
export interface DrawTextOptions extends PictureOptions {
  /** Columns that there are; what is longer is cut. 0 or absent: as wide as it wants to be. */
  readonly width?: number;
}

/** Draws a graph with boxes and arrows: lines of plain text, each ended. No secret is shown. */
export function drawText(graph: Graph, { width = 0, ...options }: DrawTextOptions): string {
  return renderText(makePicture(graph, options), width);
}

/** Draws a graph as a Mermaid flow chart. No secret is shown. */
export function drawMermaid(graph: Graph, options: PictureOptions): string {
  return renderMermaid(makePicture(graph, options));
}

/** Draws a graph as an SVG document that needs nothing else and follows the scheme of colours. No secret is shown. */
export function drawSvg(graph: Graph, options: PictureOptions): string {
  return renderSvg(makePicture(graph, options));
}
