import { compareWithBest, listNotes, readMedian } from './figures.mjs';

/**
 * A run: where, when and how it was measured, and its rows.
 * @typedef {{
 *   started: string, node: string, processors: number, load: { before: number[], after: number[] },
 *   settings: Record<string, unknown>, leftOut: string[], rows: import('./figures.mjs').Row[],
 * }} Run `load` has the load averages of 1, 5 and 15 minutes; `leftOut` names what was not measured
 */

/**
 * A run as JSON: every sample to five digits, and what was made of them, a line for each row. `form` changes when a reader would have to.
 * @param {Run} run
 */
export function formatRun({ rows, ...run }) {
  const lines = rows.map((row) => JSON.stringify(describeRow(row), shorten));
  return `${JSON.stringify({ form: 1, ...run }).slice(0, -1)},"rows":[\n${lines.join(',\n')}\n]}\n`;
}

/** Five digits: no more can be told apart. */
function shorten(_name, value) {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}

function describeRow(row) {
  const subjects = row.subjects.map((subject) => ({
    ...subject,
    medians: collect(row, ({ name }) => readMedian(subject, name)),
    ratios: collect(row, (figure) => compareWithBest(row, subject, figure)),
  }));
  return { ...row, subjects, notes: listNotes(row) };
}

function collect({ figures }, read) {
  return Object.fromEntries(figures.map((figure) => [figure.name, read(figure)]));
}
