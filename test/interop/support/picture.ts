import { stripVTControlCharacters } from 'node:util';

/** A run of characters of one look. */
interface Piece {
  readonly text: string;
  /** The names of its classes, such as `bold` and `c2`, the second colour of a terminal. */
  readonly classes: readonly string[];
}

const columnWidth = 8.4;
const lineHeight = 20;
const padding = 18;
const barHeight = 30;

/** Seconds until a line is there. */
const times = { key: 0.035, start: 0.6, answer: 0.35, line: 0.04, pause: 1.6 };

/** The colours of a terminal, with names for both rows of eight. */
const style = `
  rect { fill: #0d1117 }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre }
  .bold { font-weight: 700 } .dim { opacity: 0.65 }
  .c0 { fill: #6e7681 } .c1 { fill: #ff7b72 } .c2 { fill: #3fb950 } .c3 { fill: #d29922 }
  .c4 { fill: #58a6ff } .c5 { fill: #bc8cff } .c6 { fill: #39c5cf } .c7 { fill: #b1bac4 }
  .light { fill: #30363d }
  .typed text { font-weight: 700; fill: #ffffff }
  .typed { animation: type linear both } .said { animation: show 0.01s linear both }
  @keyframes type { from { clip-path: inset(0 100% 0 0) } to { clip-path: inset(0 0 0 0) } }
  @keyframes show { from { opacity: 0 } to { opacity: 1 } }
  @media (prefers-reduced-motion: reduce) { .typed, .said { animation: none } }
`;

/**
 * Draws a screen with its escape sequences for colours as an SVG that plays once: lines that begin with `$` are typed,
 * the lines between them appear. Where nothing moves all of it is there.
 */
export function drawScreen(screen: string, title: string): string {
  const lines = screen.trimEnd().split('\n');
  const columns = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
  const width = Math.ceil(columns * columnWidth + 2 * padding);
  const height = barHeight + lines.length * lineHeight + padding;
  let clock = times.start;
  let isFirst = true;
  const body = lines.map((line, index) => {
    const text = drawLine(splitLine(line), barHeight + (index + 0.75) * lineHeight);
    const { length } = stripVTControlCharacters(line);
    if (!line.startsWith('$ ')) {
      clock += times.line;
      return `<g class="said" style="animation-delay:${clock.toFixed(2)}s">${text}</g>`;
    }
    if (!isFirst) clock += times.pause;
    isFirst = false;
    const seconds = length * times.key;
    const typed = `animation-delay:${clock.toFixed(2)}s;animation-duration:${seconds.toFixed(2)}s`;
    clock += seconds + times.answer;
    return `<g class="typed" style="${typed};animation-timing-function:steps(${length})">${text}</g>`;
  });
  const lights = [0, 1, 2].map((index) => `<circle class="light" cx="${padding + 5 + index * 18}" cy="17" r="5"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escape(title)}</title>
<style>${style}</style>
<rect width="${width}" height="${height}" rx="8"/>
${lights.join('')}
${body.filter((line) => line.includes('<text')).join('\n')}
</svg>
`;
}

/** Returns the text that a picture shows. */
export function readPicture(svg: string): string {
  return [...svg.matchAll(/<g [^>]*>(.*)<\/g>/g)]
    .map(([, line = '']) =>
      [...line.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => unescape(text)).join(''),
    )
    .join('\n');
}

/** Splits a line at its escape sequences. */
function splitLine(line: string): Piece[] {
  const pieces: Piece[] = [];
  let classes: readonly string[] = [];
  for (const [, codes, text] of line.matchAll(/\u001b\[([\d;]*)m|([^\u001b]+)/g)) {
    if (text !== undefined) pieces.push({ text, classes });
    else for (const code of (codes ?? '').split(';')) classes = changeLook(classes, Number(code));
  }
  return pieces;
}

function changeLook(classes: readonly string[], code: number): readonly string[] {
  const without = (pattern: RegExp) => classes.filter((name) => !pattern.test(name));
  if (code === 0) return [];
  if (code === 1) return [...classes, 'bold'];
  if (code === 2) return [...classes, 'dim'];
  if (code === 22) return without(/^(?:bold|dim)$/);
  if (code === 39) return without(/^c\d$/);
  if (code >= 30 && code <= 37) return [...without(/^c\d$/), `c${code - 30}`];
  if (code >= 90 && code <= 97) return [...without(/^c\d$/), `c${code - 90}`];
  throw new Error(`the picture has no look for the escape code ${code}`);
}

function drawLine(pieces: readonly Piece[], y: number): string {
  let column = 0;
  return pieces
    .map(({ text, classes }) => {
      const [x, length] = [padding + column * columnWidth, text.length * columnWidth];
      column += text.length;
      const look = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
      return `<text${look} x="${x.toFixed(1)}" y="${y}" textLength="${length.toFixed(1)}">${escape(text)}</text>`;
    })
    .join('');
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>]/g, (sign) => entities[sign as keyof typeof entities]);
}

function unescape(text: string): string {
  return Object.entries(entities).reduce((rest, [sign, entity]) => rest.replaceAll(entity, sign), text);
}
