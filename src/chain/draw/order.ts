/** What dagre hands to whoever orders its rows: nodes with the number of their row and their place in it. */
interface Rows {
  readonly node: (id: string) => { readonly rank: number; readonly order: number };
  readonly edges: () => readonly { readonly v: string; readonly w: string }[];
}

/** Orders the nodes in their rows, by the heuristic of dagre, or in their own order if that is disabled. */
type Order = (rows: Rows, options: { readonly disableOptimalOrderHeuristic?: boolean }) => void;

/**
 * Orders the nodes of a drawing in their rows. They stay in the order of the file, unless the heuristic of dagre finds
 * an order with fewer crossings.
 */
export function orderRows(rows: Rows, order: Order): void {
  const keep = () => order(rows, { disableOptimalOrderHeuristic: true });
  keep();
  const crossings = countCrossings(rows);
  if (crossings === 0) return;
  order(rows, {});
  if (countCrossings(rows) >= crossings) keep();
}

function countCrossings(rows: Rows): number {
  const places = rows.edges().map(({ v, w }) => {
    const [from, to] = [rows.node(v), rows.node(w)];
    return { row: from.rank, start: from.order, end: to.order };
  });
  return places.reduce((count, one, index) => {
    const others = places.slice(0, index).filter(({ row }) => row === one.row);
    return count + others.filter(({ start, end }) => (one.start - start) * (one.end - end) < 0).length;
  }, 0);
}
