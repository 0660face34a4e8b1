import { listLabels, type Picture, type PictureLabel } from './picture.ts';

/** The colours of the kinds of boxes, as in the drawings of `svg.ts`. */
const colours = {
  forward: 'fill:#f6f8fa,stroke:#59636e',
  proxy: 'fill:#fbefff,stroke:#8250df',
  http: 'fill:#dafbe1,stroke:#1a7f37',
  target: 'fill:#ddf4ff,stroke:#0969da',
} as const;

/** Writes a picture as a Mermaid flow chart; fused edges are thick arrows, and a lock stands where TLS is spoken. */
export function renderMermaid({ nodes, edges }: Picture): string {
  const ids = new Map(nodes.map((node, index) => [node, `${node.kind}${index + 1}`]));
  const boxes = nodes.map((node) => {
    const text = [markSecured({ text: node.title, isSecured: node.isSecured }), ...node.lines.map(escapeText)].join(
      '<br>',
    );
    return node.kind === 'stage' ? `${ids.get(node)}["${text}"]` : `${ids.get(node)}(["${text}"])`;
  });
  const arrows = edges.map((edge) => {
    const { from, to, isFused } = edge;
    const words = listLabels(edge).map(markSecured).join('<br>');
    const label = words === '' ? '' : `|"${words}"|`;
    return `${ids.get(from)} ${isFused ? '==>' : '-->'}${label} ${ids.get(to)}`;
  });
  const kinds = Object.entries(colours).flatMap(([kind, colour]) => {
    const members = nodes.filter((node) => (node.job ?? node.kind) === kind).map((node) => ids.get(node));
    return members.length === 0
      ? []
      : [`classDef ${kind} ${colour},color:#1f2328`, `class ${members.join(',')} ${kind}`];
  });
  return ['flowchart TB', ...[...boxes, ...arrows, ...kinds].map((line) => `  ${line}`), ''].join('\n');
}

/** Puts a lock before what TLS secures. */
function markSecured({ text, isSecured }: PictureLabel): string {
  return isSecured ? `\u{1F512} ${escapeText(text)}` : escapeText(text);
}

/** Escapes text for Mermaid, which writes the numeric entities of HTML with `#` instead of `&#`. */
function escapeText(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:/[\]()_*@%+=?-]|\p{Cc}/gu, (character) => `#${character.codePointAt(0)};`);
}
