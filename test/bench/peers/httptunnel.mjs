import { findFreePort } from '../processes.mjs';

/** Starts both ends of httptunnel: a port whose bytes travel in many POST and GET requests, one tunnel at a time. */
export async function startHttptunnel(bench, serverPath, clientPath, { originPort }) {
  const [far, port] = [await findFreePort(), await findFreePort()];
  const children = [
    await bench.startListening(serverPath, ['-w', '-F', `127.0.0.1:${originPort}`, `127.0.0.1:${far}`], far),
  ];
  children.unshift(await bench.startListening(clientPath, ['-w', '-F', String(port), `127.0.0.1:${far}`], port));
  return { port, children };
}
