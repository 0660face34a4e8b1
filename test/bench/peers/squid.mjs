import { findFreePort } from '../processes.mjs';

let started = 0;

/** Starts squid as a CONNECT proxy without cache and log. */
export async function startSquid(bench, path) {
  const port = await findFreePort();
  // The service name keeps its shared memory apart from that of any other squid.
  const service = `tunlbench${process.pid}n${++started}`;
  const lines = [
    `http_port 127.0.0.1:${port}`,
    'http_access allow all',
    'cache deny all',
    'access_log none',
    `cache_log ${bench.folder}/${service}.log`,
    `pid_filename ${bench.folder}/${service}.pid`,
    `coredump_dir ${bench.folder}`,
    'visible_hostname bench',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    ...(process.getuid?.() === 0 ? ['cache_effective_user proxy'] : []),
  ];
  const config = bench.write('squid.conf', `${lines.join('\n')}\n`);
  const child = await bench.startListening(path, ['-N', '-n', service, '-f', config], port);
  return { port, children: [child] };
}
