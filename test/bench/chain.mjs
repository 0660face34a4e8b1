import { readCpuSeconds } from './proc.mjs';
import { formatFigure, median, printHeading, printTable } from './report.mjs';
import { startLoad } from './subjects.mjs';

/** How many internal listeners lie between the port and the origin, and whether they are fused. */
const chains = [
  { name: 'no internal listener', length: 0, kind: 'fused' },
  ...[1, 4, 8].map((length) => ({ name: `${length} fused`, length, kind: 'fused' })),
  ...[1, 4, 8].map((length) => ({ name: `${length} apart`, length, kind: 'apart' })),
];

const loads = [
  { rate: 'down MB/s', cost: 'down s/GB', kind: 'down', tunnels: 1 },
  { rate: 'up MB/s', cost: 'up s/GB', kind: 'up', tunnels: 1 },
  { rate: 'trips/s x1', cost: 'trips x1 s/1000', kind: 'rtt', tunnels: 1 },
  { rate: 'trips/s x64', cost: 'trips x64 s/1000', kind: 'rtt', tunnels: 64 },
  { rate: 'new/s x16', cost: 'new x16 s/1000', kind: 'new', tunnels: 16 },
];

/** What internal listeners cost: each chain against the one that has none. */
export async function benchChain(bench, { rounds, seconds }) {
  printHeading('chain', `internal listeners, in % of a chain without any; medians of ${rounds} rounds of ${seconds} s`);
  const load = await startLoad(bench);
  const subjects = [];
  for (const chain of chains) subjects.push({ ...chain, form: 'raw', ...(await startChain(bench, chain, load)) });
  const results = await measureAll(load, subjects, { rounds, seconds });
  printShares('rate', subjects, results, 'rate');
  printShares('CPU', subjects, results, 'cost');
  await Promise.all(subjects.map(({ child }) => bench.end(child)));
}

function printShares(title, subjects, results, name) {
  const medians = results.map((row) => row.map((cell) => median(cell.map((result) => result[name]))));
  const [bare] = medians;
  const unit = name === 'rate' ? 'rate' : 'cost';
  printTable([
    [title, ...loads.map((load) => load[unit])],
    ...subjects.map((subject, row) => [
      subject.name,
      ...medians[row].map((value, column) => `${formatFigure(value)} ${formatShare(value / bare[column])}`),
    ]),
  ]);
  console.log('');
}

/** A stage that has an idle limit of its own has a relay of its own. */
async function startChain(bench, { name, length, kind }, { direct }) {
  const origin = `127.0.0.1:${direct.port}`;
  const ends = Array.from({ length: length + 1 }, (_, index) => (index < length ? `internal://s${index}` : origin));
  const limits = kind === 'apart' ? ', limits: { idle: 1h }' : '';
  const lines = ends.map((to, index) =>
    index === 0 ? `  in: { listen: '127.0.0.1:0', to: '${to}' }` : `  s${index - 1}: { to: '${to}'${limits} }`,
  );
  const config = bench.write(`${name.replaceAll(' ', '-')}.yaml`, ['stages:', ...lines, ''].join('\n'));
  return bench.startTunl('chain', '-c', config);
}

/** All results, a row for each subject and a cell for each load; the order alternates from round to round. */
async function measureAll(load, subjects, { rounds, seconds }) {
  const results = new Map(subjects.map((subject) => [subject, loads.map(() => [])]));
  for (let round = 0; round < rounds; round++) {
    for (const [column, { kind, tunnels }] of loads.entries()) {
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        const before = readCpuSeconds([subject.child.pid]);
        const { rate, work } = await load.run(subject, { kind, tunnels, seconds });
        const cost = (readCpuSeconds([subject.child.pid]) - before) / work;
        results.get(subject)[column].push({ rate, cost });
      }
    }
  }
  return subjects.map((subject) => results.get(subject));
}

function formatShare(share) {
  return `(${(share * 100).toFixed(0)}%)`;
}
