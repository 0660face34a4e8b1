import { findFreePort } from '../processes.mjs';

/** Starts haproxy as a plain relay in front of the origin: it speaks no HTTP, so it is a bound and no peer. */
export async function startHaproxy(bench, path, { originPort }) {
  const port = await findFreePort();
  const lines = [
    'global',
    '  maxconn 4000',
    '  nbthread 1',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  option splice-auto',
    'listen relay',
    `  bind 127.0.0.1:${port}`,
    `  server origin 127.0.0.1:${originPort}`,
  ];
  const config = bench.write('haproxy.cfg', `${lines.join('\n')}\n`);
  return { port, children: [await bench.startListening(path, ['-f', config, '-db'], port)] };
}
