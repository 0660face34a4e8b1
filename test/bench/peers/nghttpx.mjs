import { findFreePort } from '../processes.mjs';
import { startSquid } from './squid.mjs';

/** Tunnels to one target that are open at a time. With the default of 8 the next ones wait, and latencies look small. */
const perHost = 512;

/** Starts nghttpx as a reverse proxy of HTTP/1.1 in front of a port. */
export function startNghttpxReverse(bench, path, { originPort }) {
  return startNghttpx(bench, path, { backendPort: originPort, backend: 'http/1.1' });
}

/**
 * Starts nghttpx as a client of HTTP/2 in front of `hops` - 1 others, the last of which sends tunnels to a squid. `certs`
 * puts TLS between them; `tunnels` says how many there will be at a time, `perSession` how many of them in one session.
 */
export async function startNghttpxRow(bench, path, squidPath, { hops = 2, certs, tunnels = 0, perSession }) {
  const squid = await startSquid(bench, squidPath);
  const shared = { proxy: true, tunnels: Math.max(perHost, tunnels), perSession };
  const row = [];
  for (let hop = hops; hop >= 1; hop--) {
    const next = row[0];
    row.unshift(
      await startNghttpx(bench, path, {
        ...shared,
        backendPort: next?.port ?? squid.port,
        backend: next ? 'h2' : 'http/1.1',
        ...(hop > 1 && { frontend: certs }),
        ...(next && { trusted: certs }),
      }),
    );
  }
  const [first] = row;
  const programs = row.map(({ children: [child] }) => child);
  return { port: first.port, children: [...programs, ...squid.children], ends: [programs[0], programs.at(-1)] };
}

async function startNghttpx(bench, path, options) {
  const { backendPort, backend, proxy, tunnels, perSession, frontend, trusted } = options;
  const port = await findFreePort();
  const secure = trusted ? ';tls;sni=localhost' : '';
  const args = [
    '--conf=/dev/null',
    '--workers=1',
    '--accesslog-file=/dev/null',
    `--frontend=127.0.0.1,${port}${frontend ? '' : ';no-tls'}`,
    `--backend=127.0.0.1,${backendPort};;proto=${backend}${secure}`,
    ...(proxy ? ['--http2-proxy', `--backend-connections-per-host=${tunnels}`] : []),
    ...(perSession === undefined ? [] : [`--frontend-http2-max-concurrent-streams=${perSession}`]),
    ...(trusted ? [`--cacert=${trusted.ca}`] : []),
    ...(frontend ? [frontend.key, frontend.cert] : []),
  ];
  return { port, children: [await bench.startListening(path, args, port)] };
}
