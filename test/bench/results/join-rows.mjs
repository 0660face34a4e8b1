/**
 * A column of a joined row: the figure `of` (`rate` by default) of the row whose title is `load`.
 * @typedef {import('./figures.mjs').Figure & { load: string, of?: string }} Column
 */

/**
 * Makes one row of the rows that several loads gave for the same subjects: a line for each subject, a figure for each
 * column. Failures are added up.
 * @param {import('./figures.mjs').Row[]} rows
 * @param {Column[]} columns
 * @param {{ part: string, title: string }} named
 * @returns {import('./figures.mjs').Row}
 */
export function joinRows(rows, columns, named) {
  const figures = columns.map(({ load: _load, of: _of, ...figure }) => figure);
  const steadyBy = columns.filter(({ of }) => of === undefined).map(({ name }) => name);
  const subjects = (rows[0]?.subjects ?? []).map(({ name, kind }, index) => {
    const measured = rows.map((row) => row.subjects[index]?.samples ?? []);
    const rounds = Math.max(...measured.map(({ length }) => length));
    const samples = Array.from({ length: rounds }, (_, round) =>
      joinSamples(new Map(rows.map(({ title }, row) => [title, measured[row]?.[round] ?? {}])), columns),
    );
    return { name, kind, samples };
  });
  return { ...named, figures, steadyBy, subjects };
}

/**
 * @param {Map<string, import('./figures.mjs').Sample>} byLoad
 * @param {Column[]} columns
 * @returns {import('./figures.mjs').Sample}
 */
function joinSamples(byLoad, columns) {
  const samples = [...byLoad.values()];
  const failures = samples.reduce((sum, sample) => sum + Number(sample.failures ?? 0), 0);
  const error = samples.find((sample) => sample.error !== undefined)?.error;
  return {
    ...Object.fromEntries(columns.map(({ name, load, of = 'rate' }) => [name, byLoad.get(load)?.[of]])),
    failures,
    ...(error !== undefined && { error }),
  };
}
