import { compareWithBest, listNotes, readMedian } from './figures.mjs';

/** Prints a row as a table with a line for each subject; behind a figure of tunl is its ratio to the best peer. */
export function printRow(row) {
  printTable([
    [`${row.part} ${row.title}`, ...row.figures.map(({ name, unit }) => (name === 'rate' ? unit : `${name} ${unit}`))],
    ...row.subjects.map((subject) => [
      `  ${subject.name}`,
      ...row.figures.map((figure) => formatCell(row, subject, figure)),
    ]),
  ]);
  for (const note of listNotes(row)) console.log(`      ${note}`);
  if (row.discarded?.length) console.log(`      measured ${row.discarded.length + 1} times; this is the steadiest`);
}

function formatCell(row, subject, figure) {
  const text = formatFigure(readMedian(subject, figure.name));
  if (figure.better === undefined) return text;
  const comparison = compareWithBest(row, subject, figure);
  // Figures stand below each other, with and without a ratio.
  return `${text} ${comparison ? `(${formatRatio(comparison.ratio)})` : '      '}`;
}

export function printHeading(title, detail) {
  console.log(`\n${title}: ${detail}`);
}

/** Prints rows under a header, the first column to the left and the others to the right. */
function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  // The rows of one run are read together.
  const least = [28, 18];
  for (const row of rows) {
    const cells = row.map((text, column) => {
      const width = Math.max(widths[column], least[Math.min(column, 1)]);
      return column === 0 ? text.padEnd(width) : text.padStart(width);
    });
    console.log(`  ${cells.join('').trimEnd()}`);
  }
}

/**
 * A number with three digits that matter; `-` for what could not be measured.
 * @param {number | undefined} value
 */
function formatFigure(value) {
  if (value === undefined || !Number.isFinite(value)) return '-';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}

/** @param {number | undefined} value */
export function formatRatio(value) {
  return value === undefined || !Number.isFinite(value) ? '-' : value.toFixed(2);
}
