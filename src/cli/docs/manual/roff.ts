/** Longest line of the source, by the conventions of roff. */
const maxLine = 80;

/** A piece of prose: a paragraph, a term with its meaning, or lines to type. Text between ` ` is literal. */
export type Block = string | { readonly term: string; readonly text: string } | { readonly code: readonly string[] };

/** A section of a page, or a subsection if its title is not in capitals. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The header and the footer of a page. */
export interface PageHead {
  readonly name: string;
  readonly date: string;
  readonly source: string;
}

/** Writes a page of section 1 with the macros of man(7). */
export function formatPage({ name, date, source }: PageHead, sections: readonly Section[]): string {
  const head = `.TH ${[name.toUpperCase(), '1', date, source, 'User Commands'].map(quoteArgument).join(' ')}`;
  return `${[head, ...sections.flatMap(formatSection)].join('\n')}\n`;
}

function formatSection({ title, blocks }: Section): string[] {
  const isPart = title !== title.toUpperCase();
  return [`${isPart ? '.SS' : '.SH'} ${quoteArgument(title)}`, ...blocks.flatMap(formatBlock)];
}

function formatBlock(block: Block, index: number): string[] {
  // The space that a heading leaves is enough.
  const apart = index === 0 ? [] : ['.PP'];
  if (typeof block === 'string') return [...apart, ...formatText(block)];
  if ('code' in block) return [...apart, '.RS 4', '.EX', ...block.code.map(formatCode), '.EE', '.RE'];
  return ['.TP', guardLine(markUp(block.term)), ...formatText(block.text)];
}

/** Formats text with each sentence on its own lines, as roff expects. */
function formatText(text: string): string[] {
  return markUp(text)
    .replaceAll(/([.:;]) (?=[A-Z])/g, '$1\n')
    .split('\n')
    .flatMap(fold)
    .map(guardLine);
}

/** Breaks a line between words, so that its pieces are short where possible. */
function fold(line: string): string[] {
  const pieces: string[] = [];
  for (const word of line.split(' ')) {
    const last = pieces.at(-1);
    if (last === undefined || last.length + 1 + word.length > maxLine) pieces.push(word);
    else pieces[pieces.length - 1] = `${last} ${word}`;
  }
  return pieces;
}

/** Makes text between ` ` bold. */
function markUp(text: string): string {
  const parts = text.split('`');
  return parts.map((part, index) => (index % 2 === 0 ? escapeText(part) : `\\fB${escapeLiteral(part)}\\fR`)).join('');
}

function formatCode(line: string): string {
  return guardLine(escapeLiteral(line));
}

/** Protects a line that begins with a dot or a quote, which roff would take for a request. */
function guardLine(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Escapes prose. A hyphen at the beginning of a word belongs to an option. */
function escapeText(text: string): string {
  return escapeCommon(text).replaceAll(/(?<=^|[\s([/])-+/g, (hyphens) => String.raw`\-`.repeat(hyphens.length));
}

/** Escapes text to type, in which no character may be replaced by a typographic one. */
function escapeLiteral(text: string): string {
  return escapeCommon(text)
    .replaceAll('-', String.raw`\-`)
    .replaceAll("'", String.raw`\(aq`)
    .replaceAll('`', String.raw`\(ga`);
}

function escapeCommon(text: string): string {
  return text
    .replaceAll('\\', String.raw`\(rs`)
    .replaceAll('~', String.raw`\(ti`)
    .replaceAll('^', String.raw`\(ha`)
    .replaceAll('…', String.raw`\|.\|.\|.`)
    .replaceAll(
      /[^\p{ASCII}]/gu,
      (sign) => String.raw`\[u${sign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}

function quoteArgument(text: string): string {
  return `"${escapeText(text).replaceAll('"', String.raw`\(dq`)}"`;
}
