import { findFreePort } from '../processes.mjs';

/** Starts tinyproxy as a CONNECT proxy. */
export async function startTinyproxy(bench, path) {
  const port = await findFreePort();
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 20000', 'LogLevel Critical'];
  const config = bench.write('tinyproxy.conf', `${lines.join('\n')}\n`);
  return { port, children: [await bench.startListening(path, ['-d', '-c', config], port)] };
}
