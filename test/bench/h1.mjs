import { compareRates } from './rates.mjs';
import { printHeading } from './report.mjs';
import { startLoad, startProxies } from './subjects.mjs';

/** Rates and costs of CONNECT over HTTP/1.1 through `serve` and through the peers. */
export async function benchHttp1(bench, settings) {
  printHeading('h1', `CONNECT over HTTP/1.1; medians of ${settings.rounds} rounds of ${settings.seconds} s`);
  const load = await startLoad(bench);
  const proxies = await startProxies(bench);
  await compareRates(load, [load.direct, ...proxies], settings);
  await Promise.all(proxies.map(({ child }) => bench.end(child)));
}
