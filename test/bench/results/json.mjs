import { compareWithBest, listNotes, readMedian } from './figures.mjs';

/**
 * A run: where, when and how it was measured, and its rows.
 * @typedef {{
 *   started: string, node: string, processors: number, load: { before: number[], after: number[] },
 *   settings: Record<string, unknown>, leftOut: string[], rows: import('./figures.mjs').Row[],
 * }} Run `load` has the load averages of 1, 5 and 15 minutes; `leftOut` names what was not measured
 */

/**
 * A run as JSON: every sample, and what was made of them. `form` changes when a reader would have to.
 * @param {Run} run
 */
export function formatRun(run) {
  return `${JSON.stringify({ form: 1, ...run, rows: run.rows.map(describeRow) }, null, 1)}\n`;
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
