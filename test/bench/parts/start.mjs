import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { makeCerts } from '../measure/certs.mjs';
import { startRow } from '../measure/rows.mjs';
import { median } from '../results/figures.mjs';
import { tunlPath } from '../processes.mjs';
import { installNode } from '../../../scripts/nodes.mjs';

const buildBinary = fileURLToPath(new URL('../../../scripts/build-binary.mjs', import.meta.url));

/** Runs that are not counted: they fill the page cache. */
const warmUps = 2;

/** The time that a start may take before the run is given up. */
const startMs = 20_000;

/** The files in which systems keep the authorities that they trust. */
const stores = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

const figures = [
  { name: 'time', unit: 'ms', better: 'less', panel: 'work' },
  { name: 'above', unit: 'node, ms' },
];

/** Cold starts against a bare `node -e 0`, in turn. */
export async function benchStart(bench, { startRuns, rounds }) {
  bench.report.open(
    'start',
    `milliseconds from spawn to exit, or to the first relayed byte; ${startRuns} runs in turn`,
  );
  const certs = await makeCerts(bench);
  const servers = [
    await listen(createServer(serverOptions, (socket) => socket.end('hello'))),
    await listen(createServer(serverOptions, relayConnect)),
    await listen(createTlsServer({ ...serverOptions, cert: certs.certText, key: certs.keyText }, relayConnect)),
  ];
  const subjects = listSubjects(
    bench,
    servers.map((server) => server.address().port),
    certs,
  );
  bench.report.add(await measureStarts(bench, '', subjects, { startRuns, rounds }));
  const inOne = listBinarySubjects(bench, servers[0].address().port);
  if (inOne) bench.report.show(await measureStarts(bench, 'the single executable', inOne, { startRuns, rounds }));
  for (const server of servers) server.close();
}

async function measureStarts(bench, title, subjects, { startRuns, rounds }) {
  const row = startRow('start', { title, figures }, subjects);
  for (let run = -warmUps; run < startRuns; run++) {
    bench.report.progress(`start, run ${run + 1} of ${startRuns}`);
    const times = [];
    for (const subject of subjects) times.push(await timeStart(bench, subject));
    if (run < 0) continue;
    for (const [index, time] of times.entries()) row.subjects[index].samples.push({ time, above: time - times[0] });
  }
  for (const subject of row.subjects) subject.samples = groupRuns(subject.samples, rounds);
  return row;
}

/** A sample for each round: single starts differ too much to show whether the machine was steady. */
function groupRuns(samples, rounds) {
  const size = Math.ceil(samples.length / rounds);
  const groups = [];
  for (let at = 0; at < samples.length; at += size) groups.push(samples.slice(at, at + size));
  return groups.map((group) => ({
    time: median(group.map(({ time }) => time)),
    above: median(group.map(({ above }) => above)),
    runs: group.map(({ time }) => time),
  }));
}

const serverOptions = { allowHalfOpen: true, noDelay: true };

function listSubjects(bench, [greeter, proxy, secureProxy], { caText }) {
  const target = `127.0.0.1:${greeter}`;
  const subjects = [
    { name: 'node -e 0', kind: 'peer', args: ['-e', '0'], end: 'exit' },
    { name: 'tunl --version', args: [tunlPath, '--version'], end: 'exit' },
    { name: 'tunl connect', args: [tunlPath, 'connect', '--direct', target] },
    { name: 'tunl connect -x http:', args: [tunlPath, 'connect', '-x', `http://127.0.0.1:${proxy}`, target] },
  ];
  const store = stores.find(existsSync);
  if (store === undefined) {
    bench.report.leaveOut('a store of authorities', 'is not installed: the start with a TLS hop is left out');
  } else {
    // The system's authorities, and the one that our hop has its certificate from.
    const file = bench.write('store.pem', `${readFileSync(store, 'utf8')}\n${caText}`);
    const env = { ...process.env, SSL_CERT_FILE: file };
    const url = `https://127.0.0.1:${secureProxy}`;
    subjects.push({ name: 'tunl connect -x https:', args: [tunlPath, 'connect', '-x', url, target], env });
  }
  return subjects.map((subject) => ({ kind: 'tunl', end: 'byte', ...subject }));
}

/** The single executable, built for this run, and the program on the Node that it contains; undefined if it cannot be built. */
function listBinarySubjects(bench, greeter) {
  const file = bench.write('tunl', '');
  const { status, stderr } = spawnSync(process.execPath, [buildBinary, file], { encoding: 'utf8' });
  if (status !== 0) {
    bench.report.leaveOut('the single executable', `cannot be built: ${stderr.trim()}`);
    return undefined;
  }
  const { path: node } = installNode('26');
  const connect = ['connect', '--direct', `127.0.0.1:${greeter}`];
  return [
    { name: 'node 26 -e 0', kind: 'peer', file: node, args: ['-e', '0'], end: 'exit' },
    { name: 'main.js --version', kind: 'tunl', file: node, args: [tunlPath, '--version'], end: 'exit' },
    { name: 'one file --version', kind: 'tunl', file, args: ['--version'], end: 'exit' },
    { name: 'main.js connect', kind: 'tunl', file: node, args: [tunlPath, ...connect], end: 'byte' },
    { name: 'one file connect', kind: 'tunl', file, args: connect, end: 'byte' },
  ];
}

async function timeStart(bench, { name, file = process.execPath, args, env, end }) {
  const signal = AbortSignal.timeout(startMs);
  const started = performance.now();
  const child = bench.own(spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] }));
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

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The least that a CONNECT proxy can be. */
function relayConnect(socket) {
  socket.on('error', () => socket.destroy());
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
