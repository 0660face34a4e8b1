import type { Picture, PictureEdge, PictureNode } from './picture.ts';

/**
 * Draws a picture as a tree for each stage without a predecessor:
 *
 *     ┌─ ingress ───┐
 *     │ forward     │
 *     └─────────────┘
 *       │ internal://encap, fused
 *       ▼
 *     ┌─ encap ─────┐
 *
 * A stage with several predecessors is drawn once, and only named after that. Lines wider than `width` are cut; 0 means
 * no limit.
 */
export function renderText({ nodes, edges }: Picture, width: number): string {
  const drawn = new Set<PictureNode>();
  const drawNode = (node: PictureNode): string[] => {
    if (node.kind === 'target') return [node.title];
    if (drawn.has(node)) return [`${node.title}, as above`];
    drawn.add(node);
    const exits = edges.filter(({ from }) => from === node);
    return [...drawBox(node), ...drawExits(exits, drawNode)];
  };
  const stages = nodes.filter(({ kind }) => kind === 'stage');
  const roots = stages.filter((node) => !edges.some(({ to }) => to === node));
  // A stage may be reached only by a circle of stages, which dial each other through the system.
  const trees = [...roots, ...stages].flatMap((root) => (drawn.has(root) ? [] : [drawNode(root)]));
  const lines = trees.flatMap((tree, index) => (index === 0 ? tree : ['', ...tree]));
  return lines.map((line) => `${cut(printable(line), width)}\n`).join('');
}

/** Replaces control characters, which a path may have and a terminal would act on. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, '\uFFFD');
}

function drawBox({ title, lines }: PictureNode): string[] {
  const inner = Math.max(countColumns(title) + 2, ...lines.map((line) => countColumns(line)));
  return [
    `┌─ ${title} ${'─'.repeat(inner - countColumns(title) - 1)}┐`,
    ...lines.map((line) => `│ ${line}${' '.repeat(inner - countColumns(line))} │`),
    `└${'─'.repeat(inner + 2)}┘`,
  ];
}

function drawExits(exits: readonly PictureEdge[], drawNode: (node: PictureNode) => string[]): string[] {
  const [only] = exits;
  if (only && exits.length === 1) return [...drawLabels(only), '  ▼', ...drawNode(only.to)];
  return exits.flatMap((exit, index) => {
    const isLast = index === exits.length - 1;
    const [head = '', ...rest] = drawNode(exit.to);
    const branch = `  ${isLast ? '└' : '├'}─▶ ${head}`;
    const beside = isLast ? '      ' : '  │   ';
    return [...drawLabels(exit), branch, ...rest.map((line) => `${beside}${line}`)];
  });
}

function drawLabels({ labels, isFused }: PictureEdge): string[] {
  const [first = '', ...rest] = labels.map(({ text }) => text);
  const words = [isFused ? `${first}, fused` : first, ...rest];
  return words.map((word) => `  │ ${word}`.trimEnd());
}

/** Counts columns. Each code point is one column, because wide characters are rare in names of stages and hosts. */
function countColumns(text: string): number {
  return Array.from(text).length;
}

function cut(line: string, width: number): string {
  const characters = Array.from(line);
  return width === 0 || characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`;
}
