import { startLoad } from '../measure/generator.mjs';
import { measureLoad, measureLoads, startRow } from '../measure/rows.mjs';
import { startPairs } from '../peers/index.mjs';

/** Tunnels that the many are compared with. */
const fewTunnels = 50;

/** Sessions that the many are spread over, where a program allows so many tunnels in one. */
const sessions = 4;

/** The share of the tunnels that carries messages, and how many messages there are in all. */
const activeShare = 0.05;
const perSecond = 2000;

const latencies = [
  { name: 'p99', unit: 'us', better: 'less', panel: 'tail' },
  { name: 'p50', unit: 'us', better: 'less' },
  { name: 'rate', unit: '/s' },
];
const growth = [{ name: 'growth', unit: 'p99, many / few', better: 'less', panel: 'tail' }];

/** Round trips at the same pace among few tunnels and among many, most of which are silent. */
export async function benchMany(bench, settings) {
  const { manyTunnels } = settings;
  bench.report.open(
    'many',
    `${perSecond} round trips a second, 5 % of the tunnels active, over ${sessions} sessions of HTTP/2`,
  );
  const load = await startLoad(bench);
  const perSession = Math.ceil(manyTunnels / sessions);
  const subjects = await startPairs(bench, load, { tunnels: manyTunnels, perSession });
  const loads = [fewTunnels, manyTunnels].map((tunnels) => ({
    title: `trips among ${tunnels}`,
    kind: 'paced',
    tunnels,
    active: Math.ceil(tunnels * activeShare),
    perSecond,
    figures: latencies,
    steadyBy: ['p50'],
  }));
  for (const subject of subjects) await measureLoad(load, subject, { ...loads[0], seconds: settings.warmSeconds });
  const measured = { part: 'many', load, subjects: [load.direct, ...subjects], loads };
  const rows = await measureLoads(bench, measured, settings);
  const grown = startRow('many', { title: `${manyTunnels} against ${fewTunnels}`, figures: growth }, subjects);
  for (const [index, subject] of grown.subjects.entries()) {
    // The row of `direct` is not among them.
    const [before, after] = rows.map((row) => row.subjects[index + 1].samples);
    subject.samples = after.map((sample, round) => ({ growth: divide(sample.p99, before[round].p99) }));
  }
  bench.report.add(grown);
  await bench.endAll(subjects);
  await load.stop();
}

function divide(many, few) {
  return (many ?? Number.NaN) / (few ?? Number.NaN);
}
