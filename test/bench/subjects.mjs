import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findFreePort } from './processes.mjs';

/**
 * What is measured: `port` and `form` say how load gets through it, `child` whose CPU and memory, with its descendants,
 * are its cost. The kind is 'tunl', 'peer' or 'bound'; a bound is shown and not compared with.
 */

/** The proxies that tunl is compared with as a CONNECT proxy: one line for each. */
const peers = { squid: startSquid, tinyproxy: startTinyproxy };

/** Starts `tunl serve` and every peer that is installed, and names those that are not. */
export async function startProxies(bench) {
  const subjects = [];
  for (const [name, start] of Object.entries(peers)) {
    const path = findProgram(name);
    if (path === undefined) console.log(`  ${name} is not installed: left out`);
    else subjects.push({ name, kind: 'peer', form: 'connect', ...(await start(bench, path)) });
  }
  const { child, port } = await bench.startTunl('serve', '127.0.0.1:0');
  return [...subjects, { name: 'tunl serve', kind: 'tunl', form: 'connect', port, child }];
}

/** Starts the origin and a load generator, and adds what the two can do with nothing between them. */
export async function startLoad(bench) {
  const origin = bench.startWorker('./origin.mjs');
  const load = bench.startWorker('./load.mjs');
  const { port: originPort } = await origin.ask({ backlog: 4096 });
  return {
    run: ({ port, form }, job) => load.ask({ port, form, originPort, ...job }),
    direct: { name: 'direct', kind: 'bound', form: 'raw', port: originPort },
  };
}

async function startSquid(bench, path) {
  const port = await findFreePort();
  // The service name keeps its shared memory apart from that of any other squid.
  const service = `tunlbench${process.pid}`;
  const lines = [
    `http_port 127.0.0.1:${port}`,
    'http_access allow all',
    'cache deny all',
    'access_log none',
    `cache_log ${bench.folder}/squid.log`,
    `pid_filename ${bench.folder}/squid.pid`,
    `coredump_dir ${bench.folder}`,
    'visible_hostname bench',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    ...(process.getuid?.() === 0 ? ['cache_effective_user proxy'] : []),
  ];
  const config = bench.write('squid.conf', `${lines.join('\n')}\n`);
  return { port, child: await bench.startListening(path, ['-N', '-n', service, '-f', config], port) };
}

async function startTinyproxy(bench, path) {
  const port = await findFreePort();
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 20000', 'LogLevel Critical'];
  const config = bench.write('tinyproxy.conf', `${lines.join('\n')}\n`);
  return { port, child: await bench.startListening(path, ['-d', '-c', config], port) };
}

/** Looks where root's own PATH looks too: servers are installed there. */
function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
