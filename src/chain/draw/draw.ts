import { renderMermaid } from './mermaid.ts';
import { renderText } from './text.ts';
import type { Graph } from '../model/graph.ts';
import { makePicture, type PictureOptions } from './picture.ts';

/** Options for drawing a graph on a terminal. */
export interface DrawTextOptions extends PictureOptions {
  /** Columns of the terminal, at which lines are cut; 0 means no limit. Default: 0. */
  readonly width?: number;
}

/** Draws a graph with boxes and arrows in lines of plain text. No secret is shown. */
export function drawText(graph: Graph, { width = 0, ...options }: DrawTextOptions): string {
  return renderText(makePicture(graph, options), width);
}

/** Draws a graph as a Mermaid flow chart. No secret is shown. */
export function drawMermaid(graph: Graph, options: PictureOptions): string {
  return renderMermaid(makePicture(graph, options));
}

/**
 * Draws a graph as a self-contained SVG document with a light and a dark scheme. No secret is shown. What lays it out is
 * loaded here, because few runs need it.
 */
export async function drawSvg(graph: Graph, options: PictureOptions): Promise<string> {
  const { renderSvg } = await import('./svg.ts');
  return renderSvg(makePicture(graph, options));
}
