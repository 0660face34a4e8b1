import { makeCerts } from '../measure/certs.mjs';
import { compareCarriers } from '../measure/rows.mjs';
import { startPairs } from '../peers/index.mjs';

/** CONNECT over HTTP/2 in TLS between two programs. */
export async function benchTls(bench, settings) {
  bench.report.open('tls', 'CONNECT over HTTP/2 in TLS: client, forward, serve, origin');
  const certs = await makeCerts(bench);
  await compareCarriers(bench, 'tls', (load) => startPairs(bench, load, { certs }), settings);
}
