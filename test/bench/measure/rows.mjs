import { setTimeout as delay } from 'node:timers/promises';
import { readMovement, steadyShare } from '../results/figures.mjs';
import { newTunnels, tunnelLoads } from './loads.mjs';
import { startLoad } from './generator.mjs';
import { readCpuSeconds } from './proc.mjs';

/** The number of times that a row is measured again because a peer moved. */
const mostRepeats = 2;

/** Reports what `measureSteadily` returns, and returns it. */
export async function measureLoads(bench, measured, settings) {
  const rows = await measureSteadily(bench, measured, settings);
  for (const row of rows) bench.report.add(row);
  return rows;
}

/**
 * Puts every load on every subject in turn, `rounds` times in alternating order, and returns a row for each load. With
 * `repeat` the rows in which a peer moved are measured again, and the steadiest attempt is the one that counts.
 */
export async function measureSteadily(bench, { part, load, subjects, loads }, settings) {
  let rows = await measureRows(bench, { part, load, subjects, loads }, settings);
  for (let repeats = 0; settings.repeat && repeats < mostRepeats; repeats++) {
    const doubtful = loads.filter((_, column) => readMovement(rows[column]) > steadyShare);
    if (doubtful.length === 0) break;
    const again = await measureRows(bench, { part, load, subjects, loads: doubtful }, settings);
    rows = rows.map((row, column) => chooseSteadier(row, again[doubtful.indexOf(loads[column])]));
  }
  return rows;
}

function chooseSteadier(row, other) {
  if (!other) return row;
  const [better, worse] = readMovement(other) < readMovement(row) ? [other, row] : [row, other];
  return { ...better, discarded: [...(row.discarded ?? []), worse.subjects] };
}

async function measureRows(bench, { part, load, subjects, loads }, { rounds, seconds }) {
  const rows = loads.map((asked) => startRow(part, asked, subjects));
  for (let round = 0; round < rounds; round++) {
    for (const [column, row] of rows.entries()) {
      for (const index of listOrder(subjects, round)) {
        bench.report.progress(`${part} ${row.title}, round ${round + 1} of ${rounds}, ${subjects[index].name}`);
        row.subjects[index].samples.push(await measureLoad(load, subjects[index], { ...loads[column], seconds }));
      }
    }
  }
  return rows;
}

/** Alternates the order from round to round, so that no subject is always the first. */
export function listOrder(subjects, round) {
  const order = [...subjects.keys()];
  return round % 2 === 0 ? order : order.reverse();
}

/** A row without samples. */
export function startRow(part, { title, figures, steadyBy }, subjects) {
  return {
    part,
    title,
    figures,
    ...(steadyBy !== undefined && { steadyBy }),
    subjects: subjects.map(({ name, kind }) => ({ name, kind, samples: [] })),
  };
}

/**
 * Puts a load on a subject, and returns the generator's sample with CPU seconds for the work. A failure is one too, and
 * so is nothing, for a load of more tunnels than the subject can have (`most`). One that is slow to end a tunnel has time
 * for that before (`settleMs`).
 */
export async function measureLoad(load, subject, { kind, tunnels, active, perSecond, seconds }) {
  if (tunnels > subject.most) return {};
  if (subject.settleMs !== undefined) await delay(subject.settleMs);
  const pids = subject.children.map(({ pid }) => pid);
  const before = readCpuSeconds(pids);
  try {
    const { work, ...sample } = await load.run(subject, { kind, tunnels, active, perSecond, seconds });
    const cost = (readCpuSeconds(pids) - before) / work;
    return subject.children.length === 0 ? sample : { ...sample, cost };
  } catch (error) {
    return { error: error.message };
  }
}

/**
 * Compares everything that `start` starts as carriers of tunnels. New tunnels are first measured cold, in processes that
 * are started anew for each round; then each subject warms up with new tunnels that count for nothing.
 */
export async function compareCarriers(bench, part, start, settings) {
  const load = await startLoad(bench);
  const cold = await measureCold(bench, { part, load, start }, settings);
  bench.report.add(cold.row);
  const { subjects } = cold;
  for (const subject of subjects) {
    bench.report.progress(`${part}, warming ${subject.name} up`);
    await measureLoad(load, subject, { ...newTunnels, seconds: settings.warmSeconds });
  }
  await measureLoads(bench, { part, load, subjects: [load.direct, ...subjects], loads: tunnelLoads }, settings);
  await bench.endAll(subjects);
  await load.stop();
}

/** Returns the row, and the subjects of the last round, which still run. */
async function measureCold(bench, { part, load, start }, { rounds, seconds }) {
  let row;
  let subjects = [];
  for (let round = 0; round < rounds; round++) {
    await bench.endAll(subjects);
    subjects = await start(load);
    row ??= startRow(part, { ...newTunnels, title: `${newTunnels.title} cold` }, subjects);
    for (const index of listOrder(subjects, round)) {
      bench.report.progress(`${part} ${row.title}, round ${round + 1} of ${rounds}, ${subjects[index].name}`);
      row.subjects[index].samples.push(await measureLoad(load, subjects[index], { ...newTunnels, seconds }));
    }
  }
  return { row, subjects };
}
