import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../measure/generator.mjs';
import { readResidentKib } from '../measure/proc.mjs';
import { listOrder, startRow } from '../measure/rows.mjs';
import { startPairs, startProxies } from '../peers/index.mjs';

/** Memory is read this long after the last tunnel was opened: garbage collectors need a moment. */
const settleMs = 2500;

const figures = [
  { name: 'memory', unit: 'KiB each', better: 'less', panel: 'work' },
  { name: 'before', unit: 'KiB' },
  { name: 'after', unit: 'KiB' },
];

/** Memory that programs take for an open tunnel which carried one byte each way and is silent since. */
export async function benchIdle(bench, { rounds, idleTunnels }) {
  bench.report.open('idle', `resident memory for each of ${idleTunnels} idle tunnels, the first of fresh processes`);
  const load = await startLoad(bench);
  const proxies = { start: () => startProxies(bench, load), rows: [{ title: 'h1', read: readAll }] };
  const pairs = {
    start: () => startPairs(bench, load, { tunnels: idleTunnels }),
    rows: [
      { title: 'h2, at the client', read: ({ ends: [end] }) => [end] },
      { title: 'h2, at the target', read: ({ ends: [, end] }) => [end] },
    ],
  };
  for (const { start, rows } of [proxies, pairs]) await measureIdle(bench, { load, start, rows, rounds, idleTunnels });
  await load.stop();
}

function readAll({ children }) {
  return children;
}

async function measureIdle(bench, { load, start, rows, rounds, idleTunnels }) {
  let found;
  for (let round = 0; round < rounds; round++) {
    const subjects = (await start()).filter(({ kind }) => kind !== 'bound');
    found ??= rows.map(({ title }) => startRow('idle', { title, figures }, subjects));
    for (const index of listOrder(subjects, round)) {
      bench.report.progress(`idle, round ${round + 1} of ${rounds}, ${subjects[index].name}`);
      const samples = await measureSubject(load, subjects[index], { rows, idleTunnels });
      for (const [row, sample] of samples.entries()) found[row].subjects[index].samples.push(sample);
    }
    await bench.endAll(subjects);
  }
  for (const row of found) bench.report.add(row);
}

/** Returns a sample for each row. */
async function measureSubject(load, subject, { rows, idleTunnels }) {
  const readMemory = () => rows.map(({ read }) => readResidentKib(read(subject).map(({ pid }) => pid)));
  const before = readMemory();
  try {
    await load.run(subject, { kind: 'idle', tunnels: idleTunnels });
    await delay(settleMs);
    const after = readMemory();
    await load.run(subject, { kind: 'release' });
    return after.map((kib, row) => ({ memory: (kib - before[row]) / idleTunnels, before: before[row], after: kib }));
  } catch (error) {
    return rows.map(() => ({ error: error.message }));
  }
}
