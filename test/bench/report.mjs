/** The middle of the values, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function printHeading(title, detail) {
  console.log(`\n${title}: ${detail}`);
}

/** Prints rows under a header, the first column to the left and the others to the right. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  for (const row of rows) {
    const cells = row.map((cell, column) => {
      const text = String(cell ?? '');
      return column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]);
    });
    console.log(`  ${cells.join('   ').trimEnd()}`);
  }
}

/** A number with three digits that matter; `-` for what could not be measured. */
export function formatFigure(value) {
  if (value === undefined || !Number.isFinite(value)) return '-';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}

export function formatRatio(value) {
  return value === undefined || !Number.isFinite(value) ? '-' : value.toFixed(2);
}
