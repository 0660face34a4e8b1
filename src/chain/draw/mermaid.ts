import type { Picture } from './picture.ts';

/** Writes a picture as a Mermaid flow chart; fused edges are thick arrows. */
export function renderMermaid({ nodes, edges }: Picture): string {
  const ids = new Map(nodes.map((node, index) => [node, `${node.kind}${index + 1}`]));
  const boxes = nodes.map((node) => {
    const text = [node.title, ...node.lines].map(escapeText).join('<br>');
    return node.kind === 'stage' ? `${ids.get(node)}["${text}"]` : `${ids.get(node)}(["${text}"])`;
  });
  const arrows = edges.map(({ from, to, labels, isFused }) => {
    const words = [...labels, ...(isFused ? ['fused'] : [])].map(escapeText).join('<br>');
    const label = words === '' ? '' : `|"${words}"|`;
    return `${ids.get(from)} ${isFused ? '==>' : '-->'}${label} ${ids.get(to)}`;
  });
  return ['flowchart TB', ...boxes.map((line) => `  ${line}`), ...arrows.map((line) => `  ${line}`), ''].join('\n');
}

/** Escapes text for Mermaid, which writes the numeric entities of HTML with `#` instead of `&#`. */
function escapeText(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:/[\]()_*@%+=?-]|\p{Cc}/gu, (character) => `#${character.codePointAt(0)};`);
}
