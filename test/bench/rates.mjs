import { readCpuSeconds } from './proc.mjs';
import { formatFigure, formatRatio, median, printTable } from './report.mjs';

/** What is asked of every subject: one line for each column. `unit` is that of the rate, `per` that of the cost. */
const loads = [
  { title: 'down x1', kind: 'down', tunnels: 1, unit: 'MB/s', per: 's/GB' },
  { title: 'down x8', kind: 'down', tunnels: 8, unit: 'MB/s', per: 's/GB' },
  { title: 'up x1', kind: 'up', tunnels: 1, unit: 'MB/s', per: 's/GB' },
  { title: 'up x8', kind: 'up', tunnels: 8, unit: 'MB/s', per: 's/GB' },
  { title: 'trips x1', kind: 'rtt', tunnels: 1, unit: '/s', per: 's/1000' },
  { title: 'trips x64', kind: 'rtt', tunnels: 64, unit: '/s', per: 's/1000' },
  { title: 'new x16', kind: 'new', tunnels: 16, unit: '/s', per: 's/1000' },
];

/**
 * Puts every load on every subject in turn, `rounds` times in alternating order, and prints medians:
 * rates, CPU seconds for the work done, and for both the ratio of tunl to the best peer.
 */
export async function compareRates(load, subjects, { rounds, seconds }) {
  const results = new Map(subjects.map(({ name }) => [name, loads.map(() => [])]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const [column, { kind, tunnels }] of loads.entries()) {
      for (const subject of order)
        results.get(subject.name)[column].push(await measure(load, subject, { kind, tunnels, seconds }));
    }
  }
  const rows = subjects.map(({ name, kind }) => ({ name, kind, cells: results.get(name).map(summarise) }));
  printRates(rows);
  printCosts(rows.filter(({ kind }) => kind !== 'bound'));
  printLatencies(rows);
  printFailures(rows);
}

async function measure(load, subject, job) {
  const pids = subject.child ? [subject.child.pid] : [];
  const before = readCpuSeconds(pids);
  const result = await load.run(subject, job);
  const cpuSeconds = readCpuSeconds(pids) - before;
  return { ...result, cost: cpuSeconds / result.work };
}

function summarise(results) {
  const middle = (name) => median(results.map((result) => result[name]));
  const failures = results.reduce((sum, result) => sum + result.failures, 0);
  return { rate: middle('rate'), cost: middle('cost'), p50: middle('p50'), p99: middle('p99'), failures };
}

function printRates(rows) {
  const ratios = compareColumns(rows, (mine, theirs) => mine.rate / Math.max(...theirs.map(({ rate }) => rate)));
  printMatrix('rate', 'unit', rows, ({ rate }) => formatFigure(rate), ['tunl / best peer', ...ratios]);
}

function printCosts(rows) {
  const ratios = compareColumns(rows, (mine, theirs) => Math.min(...theirs.map(({ cost }) => cost)) / mine.cost);
  printMatrix('CPU', 'per', rows, ({ cost }) => formatFigure(cost), ['best peer / tunl', ...ratios]);
}

function printMatrix(title, unitName, rows, format, lastRow) {
  printTable([
    [title, ...loads.map((load) => load.title)],
    ['', ...loads.map((load) => load[unitName])],
    ...rows.map(({ name, cells }) => [name, ...cells.map(format)]),
    lastRow,
  ]);
  console.log('');
}

function compareColumns(rows, compare) {
  const mine = rows.find(({ kind }) => kind === 'tunl');
  const peers = rows.filter(({ kind }) => kind === 'peer');
  return loads.map((_, column) => {
    if (!mine || peers.length === 0) return '-';
    return formatRatio(
      compare(
        mine.cells[column],
        peers.map(({ cells }) => cells[column]),
      ),
    );
  });
}

function printLatencies(rows) {
  const timed = loads.flatMap(({ title, unit }, column) => (unit === '/s' ? [{ title, column }] : []));
  const format = ({ p50, p99 }) => `${p50.toFixed(0)} / ${p99.toFixed(0)}`;
  printTable([
    ['p50 / p99 in us', ...timed.map(({ title }) => title)],
    ...rows.map(({ name, cells }) => [name, ...timed.map(({ column }) => format(cells[column]))]),
  ]);
}

function printFailures(rows) {
  for (const { name, cells } of rows) {
    for (const [column, { failures }] of cells.entries()) {
      if (failures > 0) console.log(`  ${name}: ${failures} tunnels failed in ${loads[column].title}`);
    }
  }
}
