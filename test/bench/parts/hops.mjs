import { startLoad } from '../measure/generator.mjs';
import { fewTunnelLoads, newTunnels } from '../measure/loads.mjs';
import { measureLoad, measureLoads } from '../measure/rows.mjs';
import { startThreeHops } from '../peers/index.mjs';

/** Chains of three hops over HTTP/2: a process for each hop, and all of them in one. */
export async function benchHops(bench, settings) {
  bench.report.open('hops', 'three hops over HTTP/2 in cleartext, in three processes and in one');
  const load = await startLoad(bench);
  for (const together of [false, true]) {
    const subjects = await startThreeHops(bench, load, { together });
    for (const subject of subjects) await measureLoad(load, subject, { ...newTunnels, seconds: settings.warmSeconds });
    const part = together ? 'hops in one' : 'hops in three';
    const measured = { part, load, subjects: [load.direct, ...subjects], loads: fewTunnelLoads };
    await measureLoads(bench, measured, settings);
    await bench.endAll(subjects);
  }
  await load.stop();
}
