import { makeCerts } from '../measure/certs.mjs';
import { startLoad } from '../measure/generator.mjs';
import { newTunnels, tunnelLoads } from '../measure/loads.mjs';
import { measureLoad, measureSteadily } from '../measure/rows.mjs';
import { startCarriers } from '../peers/carriers.mjs';
import { joinRows } from '../results/join-rows.mjs';

/** The columns of the table: what is taken from a load. */
const columns = [
  { name: 'down', unit: 'MB/s', load: 'down x1', better: 'more', panel: 'work' },
  { name: 'cost', unit: 's/GB', load: 'down x1', of: 'cost', better: 'less', panel: 'cost' },
  { name: 'up', unit: 'MB/s', load: 'up x1', better: 'more' },
  { name: 'trips', unit: '/s', load: 'trips x1', better: 'more' },
  { name: 'trips x64', unit: '/s', load: 'trips x64', better: 'more' },
  { name: 'new x16', unit: '/s', load: newTunnels.title, better: 'more' },
];

/** A way that has carried no byte by then carries none. */
const tryMs = 5000;

/** Programs of others that do what one of our carriers does. */
const rivals = { poll: 'httptunnel' };

/** Every carrier of the registry between `forward` and its far end, directly and through nginx, against the first. */
export async function benchCarriers(bench, settings) {
  bench.report.open('carriers', 'each carrier between forward and its far end; ratios are to CONNECT over HTTP/1.1');
  const load = await startLoad(bench);
  const all = await startCarriers(bench, load, await makeCerts(bench));
  const subjects = [load.direct, ...(await keepThoseThatCarry(bench, load, all))];
  for (const subject of subjects.slice(1)) {
    bench.report.progress(`carriers, warming ${subject.name} up`);
    await measureLoad(load, subject, { ...newTunnels, seconds: settings.warmSeconds });
  }
  const loads = tunnelLoads.filter(({ title }) => columns.some((column) => column.load === title));
  // There are many of them.
  const rounds = { ...settings, seconds: settings.seconds / 2 };
  const rows = await measureSteadily(bench, { part: 'carriers', load, subjects, loads }, rounds);
  const table = joinRows(rows, columns, { part: 'carriers', title: '' });
  bench.report.add(table);
  for (const [carrier, rival] of Object.entries(rivals)) addRivals(bench, { table, subjects, carrier, rival });
  await bench.endAll(all);
  await load.stop();
}

/**
 * Leaves out what carries no tunnel, and says why. A proxy that reads whole bodies before it passes them on lets no
 * single POST through, so a way without buffers is kept for those that need it.
 */
async function keepThoseThatCarry(bench, load, subjects) {
  const kept = [];
  for (const subject of subjects) {
    const buffered = kept.at(-1)?.buffers && kept.at(-1).carrier === subject.carrier;
    if (subject.buffers === false && buffered) continue;
    bench.report.progress(`carriers, trying ${subject.name}`);
    try {
      await load.run(subject, { kind: 'idle', tunnels: 1, patienceMs: tryMs });
      await load.run(subject, { kind: 'release' });
      kept.push(subject);
    } catch (error) {
      bench.report.leaveOut(subject.name, `carries no tunnel: ${error.message}`);
    }
  }
  return kept;
}

/** Compares a carrier with the program of others that does the same. */
function addRivals(bench, { table, subjects, carrier, rival }) {
  const chosen = table.subjects.flatMap((subject, index) => {
    if (subject.name === rival) return [{ ...subject, kind: 'peer' }];
    return subjects[index].carrier === carrier ? [subject] : [];
  });
  if (chosen.length > 1 && chosen.some(({ kind }) => kind === 'peer')) {
    bench.report.add({ ...table, title: `against ${rival}`, subjects: chosen });
  }
}
