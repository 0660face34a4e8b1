/** A part of a command line that stays whole, and what stands before it where a line begins with it. */
interface Piece {
  readonly text: string;
  readonly margin: string;
}

/** What continues a line of a shell. */
const onward = ' \\';

/** The words of a line, and the same with letters such as `-x` beside their values. */
const words = /(?:'[^']*'|[^\s'])+/g;
const pairs = /(?:-\w )?(?:'[^']*'|[^\s'])+/g;

/** What a word cannot hold to be split: characters that mean something between double quotes, and wide gaps. */
const special = /["$`\\!]| {2}/;

/**
 * Wraps a command line so that a shell reads it as if it were on one line. A quoted word that is too long continues at
 * the margin, because blanks there would belong to it. Single words stay whole, even if they are too long.
 */
export function wrapShellLine(line: string, columns: number, indent: string): string[] {
  if (indent.length + line.length <= columns) return [indent + line];
  const margin = indent + indent;
  const room = columns - onward.length;
  const fits = ({ text }: Piece) => margin.length + text.length <= room;
  const pieces = (line.match(pairs) ?? [])
    .map((text) => ({ text, margin }))
    .flatMap((piece) => (fits(piece) ? [piece] : (piece.text.match(words) ?? []).map((text) => ({ text, margin }))))
    .flatMap((piece) => (fits(piece) ? [piece] : splitQuoted(piece)));
  const lines: string[] = [];
  let current = '';
  for (const piece of pieces) {
    const joined = current === '' ? indent + piece.text : `${current} ${piece.text}`;
    if (current !== '' && joined.length > room) {
      lines.push(current + onward);
      current = piece.margin + piece.text;
    } else current = joined;
  }
  return [...lines, current];
}

/** Splits a word at the blanks between its quotes, which become double: a line cannot be continued between single ones. */
function splitQuoted(word: Piece): Piece[] {
  if (special.test(word.text)) return [word];
  const [first = '', ...others] = word.text.replaceAll("'", '"').match(pairs) ?? [];
  return [{ ...word, text: first }, ...others.map((text) => ({ text, margin: '' }))];
}
