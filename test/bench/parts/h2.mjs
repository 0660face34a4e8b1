import { compareCarriers } from '../measure/rows.mjs';
import { startPairs } from '../peers/index.mjs';

/** CONNECT over HTTP/2 in cleartext between two programs. */
export async function benchHttp2(bench, settings) {
  bench.report.open('h2', 'CONNECT over HTTP/2 in cleartext: client, forward, serve, origin');
  await compareCarriers(bench, 'h2', (load) => startPairs(bench, load), settings);
}
