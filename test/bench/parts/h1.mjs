import { compareCarriers } from '../measure/rows.mjs';
import { startProxies } from '../peers/index.mjs';

/** CONNECT over HTTP/1.1 through `serve` and through the peers. */
export async function benchHttp1(bench, settings) {
  bench.report.open('h1', 'CONNECT over HTTP/1.1: client, proxy, origin');
  await compareCarriers(bench, 'h1', (load) => startProxies(bench, load), settings);
}
