import { setTimeout as delay } from 'node:timers/promises';
import { readResidentKib } from './proc.mjs';
import { formatFigure, formatRatio, printHeading, printTable } from './report.mjs';
import { startLoad, startProxies } from './subjects.mjs';

/** Memory is read this long after the last tunnel was opened: garbage collectors need a moment. */
const settleMs = 2500;

/** Memory that each proxy takes for an open tunnel which carried one byte each way and is silent since. */
export async function benchIdle(bench, { idleTunnels }) {
  printHeading('idle', `resident memory for each of ${idleTunnels} idle tunnels, the first that a fresh process gets`);
  const load = await startLoad(bench);
  const subjects = await startProxies(bench);
  const costs = [];
  for (const subject of subjects) costs.push(await measureIdle(load, subject, idleTunnels));
  const peers = costs.filter(({ kind }) => kind === 'peer').map(({ each }) => each);
  const best = Math.min(...peers);
  printTable([
    ['', 'KiB each', 'before', 'after', 'best peer / it'],
    ...costs.map(({ name, each, before, after }) => [
      name,
      formatFigure(each),
      before,
      after,
      formatRatio(best / each),
    ]),
  ]);
  await Promise.all(subjects.map(({ child }) => bench.end(child)));
}

async function measureIdle(load, subject, tunnels) {
  const pids = [subject.child.pid];
  const before = readResidentKib(pids);
  await load.run(subject, { kind: 'idle', tunnels });
  await delay(settleMs);
  const after = readResidentKib(pids);
  await load.run(subject, { kind: 'release' });
  return { name: subject.name, kind: subject.kind, before, after, each: (after - before) / tunnels };
}
