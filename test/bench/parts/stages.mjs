import { startLoad } from '../measure/generator.mjs';
import { requestLoads } from '../measure/loads.mjs';
import { measureLoad, measureLoads } from '../measure/rows.mjs';
import { startReverseProxies } from '../peers/index.mjs';

/** Requests over HTTP/1.1 through an HTTP stage and through reverse proxies. */
export async function benchStages(bench, settings) {
  bench.report.open('stages', 'requests over HTTP/1.1 through an HTTP stage; answers and bodies of 1 MiB');
  const load = await startLoad(bench, 'http-origin.mjs');
  const subjects = await startReverseProxies(bench, load);
  const [requests] = requestLoads;
  for (const subject of subjects) await measureLoad(load, subject, { ...requests, seconds: settings.warmSeconds });
  const measured = { part: 'stages', load, subjects: [load.direct, ...subjects], loads: requestLoads };
  await measureLoads(bench, measured, settings);
  await bench.endAll(subjects);
  await load.stop();
}
