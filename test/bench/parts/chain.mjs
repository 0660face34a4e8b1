import { startLoad } from '../measure/generator.mjs';
import { fewTunnelLoads } from '../measure/loads.mjs';
import { measureLoads } from '../measure/rows.mjs';
import { startStages } from '../peers/tunl.mjs';
import { findFreePort } from '../processes.mjs';

/** Chains with a number of internal listeners between the port and the origin, fused or not. */
const chains = [
  { name: 'no internal listener', length: 0, kind: 'peer' },
  ...[1, 4, 8].map((length) => ({ name: `${length} fused`, length, kind: 'tunl' })),
  ...[1, 4, 8].map((length) => ({ name: `${length} apart`, length, kind: 'tunl', apart: true })),
];

/** Measures the cost of internal listeners: each chain against the one that has none. */
export async function benchChain(bench, settings) {
  bench.report.open('chain', 'internal listeners between a port and the origin, against a chain without any');
  const load = await startLoad(bench);
  const subjects = [];
  for (const chain of chains) subjects.push(await startChain(bench, chain, load));
  await measureLoads(bench, { part: 'chain', load, subjects, loads: fewTunnelLoads }, settings);
  await bench.endAll(subjects);
  await load.stop();
}

/** A stage that has an idle limit of its own has a relay of its own. */
async function startChain(bench, { name, length, kind, apart = false }, { originPort }) {
  const port = await findFreePort();
  const ends = [...Array(length).keys()].map((index) => `internal://s${index}`);
  const limits = apart ? ', limits: { idle: 1h }' : '';
  const lines = [...ends, `127.0.0.1:${originPort}`].map((to, index) =>
    index === 0 ? `  in: { listen: '127.0.0.1:${port}', to: '${to}' }` : `  s${index - 1}: { to: '${to}'${limits} }`,
  );
  return { name, kind, form: 'raw', port, children: [await startStages(bench, lines)] };
}
