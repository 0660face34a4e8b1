import { toPrintable } from '../../syntax/text.ts';

/** One column of a table. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  /** `right` for numbers. Default: left. */
  readonly align?: 'right';
  /** Becomes narrower than its cells if the table is too wide. */
  readonly elastic?: boolean;
  /** Lets the column be left out if the table is too wide; those with the highest rank go first. */
  readonly rank?: number;
}

/** The width for a table, and whether texts that do not fit into a cell are cut or wrapped. */
export interface TableFit {
  readonly columns: number;
  readonly overflow: 'cut' | 'wrap';
}

/** Width of the narrowest useful column, and of one that is narrowed before others are left out. */
const [minWidth, easyWidth] = [8, 14];

/** Blanks on both sides of a cell. */
const padding = 2;

/** Formats rows as a table of plain text. */
export async function formatTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  { columns: available, overflow }: TableFit,
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const filled = leaveOut(
    columns.map((column) => fill(column, rows)),
    available,
  );
  const table = new Table({
    head: filled.map(({ column }) => column.head),
    colWidths: fitWidths(filled, available),
    colAligns: filled.map(({ column }) => column.align ?? 'left'),
    wordWrap: overflow === 'wrap',
    wrapOnWordBoundary: false,
    // By default the head and the border have colours, even with NO_COLOR.
    style: { head: [], border: [] },
    // No lines between rows: more tunnels fit on the screen.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  table.push(...rows.map((_row, index) => filled.map(({ cells }) => cells[index])));
  const [top = '', head = '', ...rest] = table.toString().split('\n');
  const line = top.replace('┌', '├').replaceAll('┬', '┼').replace('┐', '┤');
  return [top, head, line, ...rest].join('\n');
}

/** A column with its cells and the width that they need, padding included. */
interface FilledColumn<T> {
  readonly column: Column<T>;
  readonly cells: readonly string[];
  readonly width: number;
}

function fill<T>(column: Column<T>, rows: readonly T[]): FilledColumn<T> {
  const cells = rows.map((row) => toPrintable(column.cell(row)));
  return { column, cells, width: padding + Math.max(column.head.length, ...cells.map((cell) => cell.length)) };
}

/** Leaves columns out until the others fit without being cut too short, or none is left that may be left out. */
function leaveOut<T>(columns: readonly FilledColumn<T>[], available: number): readonly FilledColumn<T>[] {
  const narrowed = columns.map(({ column, width }) => ({
    width: column.elastic === true ? Math.min(width, padding + easyWidth) : width,
  }));
  const highest = Math.max(...columns.map(({ column: { rank = 0 } }) => rank));
  if (highest === 0 || sumWidths(narrowed) <= available) return columns;
  return leaveOut(
    columns.filter(({ column: { rank } }) => rank !== highest),
    available,
  );
}

/** Computes the width of a table, borders included. */
function sumWidths(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width + 1, 1);
}

/** Computes the widths of the columns. The widest elastic ones shrink until the table fits. */
function fitWidths<T>(columns: readonly FilledColumn<T>[], available: number): number[] {
  const fitted = columns.map(({ column, width }) => ({
    width,
    least: column.elastic === true ? padding + Math.max(minWidth, column.head.length) : width,
  }));
  while (sumWidths(fitted) > available) {
    const [widest] = fitted.filter(({ width, least }) => width > least).toSorted((a, b) => b.width - a.width);
    if (!widest) break;
    widest.width -= 1;
  }
  return fitted.map(({ width }) => width);
}
