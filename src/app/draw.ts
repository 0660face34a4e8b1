export { drawMermaid, drawSvg, drawText } from '../chain/draw.ts';
