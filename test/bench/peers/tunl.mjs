import { findFreePort } from '../processes.mjs';

/** Starts `tunl serve`. */
export async function startServe(bench, ...options) {
  const { child, ports } = await bench.startTunl('serve', '127.0.0.1:0', ...options);
  return { port: ports[0], children: [child] };
}

/**
 * Starts `tunl forward` in front of `hops` - 1 of `tunl serve`, each of which is reached over HTTP/2. `certs` puts TLS
 * between them, `perSession` limits the tunnels in one session.
 */
export async function startTunlRow(bench, { originPort, hops = 2, certs, perSession }) {
  const scheme = certs ? 'h2' : 'h2c';
  const secured = certs ? ['--tls', '--cert', certs.cert, '--key', certs.key] : [];
  const limited = perSession === undefined ? [] : ['--max-tunnels-per-session', String(perSession)];
  const query = perSession === undefined ? '' : `?max-streams=${perSession}`;
  const children = [];
  let way = [];
  for (let hop = hops; hop >= 2; hop--) {
    const { port, children: own } = await startServe(bench, ...secured, ...limited, ...way);
    children.unshift(...own);
    way = ['-x', `${scheme}://127.0.0.1:${port}${query}`, ...(certs ? ['--cacert', certs.ca] : [])];
  }
  const { child, ports } = await bench.startTunl('forward', `127.0.0.1:0:127.0.0.1:${originPort}`, ...way);
  return { port: ports[0], children: [child, ...children], ends: [child, children.at(-1)] };
}

/**
 * Starts what `startTunlRow` does, in one process and over the same sockets. Each stage but the last asks the next one
 * itself, because a process that passes a request on refuses it when it comes back.
 */
export async function startTunlRowTogether(bench, { originPort, hops }) {
  const ports = [];
  while (ports.length < hops) ports.push(await findFreePort());
  const stages = ports.flatMap((port, index) => {
    const listen = `listen: '127.0.0.1:${port}'`;
    const next = ports[index + 1];
    if (next === undefined) return [`  last: { ${listen}, proxy: {} }`];
    const way = `to: '127.0.0.1:${originPort}', via: 'h2c://127.0.0.1:${next}'`;
    if (index === 0) return [`  first: { ${listen}, ${way} }`];
    return [`  s${index}: { ${listen}, proxy: {}, to: 'internal://on${index}' }`, `  on${index}: { ${way} }`];
  });
  return { port: ports[0], children: [await startStages(bench, stages)] };
}

/** Starts an HTTP stage that sends all requests to a port. */
export async function startHttpStage(bench, { originPort }) {
  const port = await findFreePort();
  const route = `{ to: '127.0.0.1:${originPort}' }`;
  return {
    port,
    children: [await startStages(bench, [`  s: { listen: '127.0.0.1:${port}', http: { routes: [${route}] } }`])],
  };
}

/** Starts `tunl chain` with the lines of stages. */
export async function startStages(bench, lines) {
  const config = bench.write('chain.yaml', ['stages:', ...lines, ''].join('\n'));
  const { child } = await bench.startTunl('chain', '-c', config);
  return child;
}
