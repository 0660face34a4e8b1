import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { tunlPath } from './processes.mjs';
import { formatFigure, formatRatio, median, printHeading, printTable } from './report.mjs';

/** Runs that are not counted: they fill the page cache. */
const warmUps = 2;

/** How long a start may take before the run is given up. */
const startMs = 20_000;

/** Cold starts against a bare `node -e 0`, in turn. */
export async function benchStart(bench, { startRuns }) {
  printHeading(
    'start',
    `milliseconds from spawn to exit, or to the first relayed byte; medians of ${startRuns} runs in turn`,
  );
  const greeter = await listen((socket) => socket.end('hello'));
  const proxy = await listen(relayConnect);
  const target = `127.0.0.1:${greeter.address().port}`;
  const subjects = [
    { name: 'node -e 0', args: ['-e', '0'], end: 'exit' },
    { name: 'tunl --version', args: [tunlPath, '--version'], end: 'exit' },
    { name: 'tunl connect', args: [tunlPath, 'connect', '--direct', target], end: 'byte' },
    {
      name: 'tunl connect -x',
      args: [tunlPath, 'connect', '-x', `http://127.0.0.1:${proxy.address().port}`, target],
      end: 'byte',
    },
  ];
  const times = new Map(subjects.map(({ name }) => [name, []]));
  for (let run = -warmUps; run < startRuns; run++) {
    for (const subject of subjects) {
      const ms = await timeStart(bench, subject);
      if (run >= 0) times.get(subject.name).push(ms);
    }
  }
  greeter.close();
  proxy.close();
  const bare = median(times.get('node -e 0'));
  printTable([
    ['', 'ms', 'above node', 'node / it'],
    ...subjects.map(({ name }) => {
      const ms = median(times.get(name));
      return [name, formatFigure(ms), `+${(ms - bare).toFixed(1)}`, formatRatio(bare / ms)];
    }),
  ]);
}

async function timeStart(bench, { name, args, end }) {
  const signal = AbortSignal.timeout(startMs);
  const started = performance.now();
  const child = bench.own(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  let firstByte = Number.NaN;
  child.stdout.once('data', () => {
    firstByte = performance.now() - started;
    child.stdin.end();
  });
  const [status] = await once(child, 'exit', { signal });
  const total = performance.now() - started;
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  return end === 'exit' ? total : firstByte;
}

async function listen(onSocket) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The least that a CONNECT proxy can be. */
function relayConnect(socket) {
  socket.once('data', (head) => {
    const [, port] = /^CONNECT 127\.0\.0\.1:(\d+) /.exec(head.toString('latin1')) ?? [];
    const upstream = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, allowHalfOpen: true }, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
  });
}
