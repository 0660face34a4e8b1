import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report } from './results/report.mjs';

/** The time that a program may take to listen. */
const readyMs = 15_000;

/** The time that a program may take to end. */
const graceMs = 3000;

/** The built program. */
export const tunlPath = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A run: its results, and everything that it starts or writes, so that nothing of it is left behind. */
export class Bench {
  report = new Report();
  /** A temporary folder that other users may read: squid gives its root rights up. */
  folder = mkdtempSync(join(tmpdir(), 'tunl-bench-'));
  #children = new Set();
  #files = 0;

  /**
   * Starts a program and resolves with it once `port` of it accepts connections.
   * @throws {Error} with the end of what it printed, when it does not
   */
  async startListening(command, args, port) {
    const { child, readOutput } = this.#start(command, args, []);
    if (!(await waitForPort(child, port))) throw new Error(`${command} does not listen on ${port}: ${readOutput()}`);
    return child;
  }

  /**
   * Starts `tunl ARGS` and resolves with it and the ports that it listens on, in its order.
   * @throws {Error} with the end of what it printed, when it does not listen
   */
  async startTunl(...args) {
    const { child, readOutput } = this.#start(process.execPath, [tunlPath, ...args, '--ready-fd', '3'], ['pipe']);
    let said = '';
    child.stdio[3].setEncoding('utf8').on('data', (text) => (said += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), readyMs);
    // The descriptor closes once every listener is named, or with the program.
    await once(child.stdio[3], 'close');
    clearTimeout(timer);
    const ports = [...said.matchAll(/:(\d+)$/gm)].map(([, port]) => Number(port));
    if (ports.length === 0) throw new Error(`tunl ${args.join(' ')} does not listen: ${readOutput()}`);
    return { child, ports };
  }

  /** Starts a worker of `load/`; it answers every message with one message. */
  startWorker(file) {
    const child = this.own(
      fork(fileURLToPath(new URL(`load/${file}`, import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
    return {
      child,
      ask: (job) =>
        new Promise((resolve, reject) => {
          const settle = (answer) => {
            child.off('message', settle).off('exit', fail);
            if (answer.error) reject(new Error(answer.error));
            else resolve(answer);
          };
          const fail = () => settle({ error: `${file} ended` });
          child.on('message', settle).on('exit', fail);
          child.send(job);
        }),
    };
  }

  /** Writes a configuration file and returns its path. */
  write(name, text) {
    const path = join(this.folder, `${++this.#files}-${name}`);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  }

  /** Ends a child: gently first, because squid leaves shared memory behind when it is killed. */
  async end(child) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  }

  /** Ends the programs of subjects. */
  async endAll(subjects) {
    const children = new Set(subjects.flatMap((subject) => subject.children));
    await Promise.all([...children].map((child) => this.end(child)));
  }

  async stop() {
    await Promise.all([...this.#children].map((child) => this.end(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Takes charge of a child until it exits. */
  own(child) {
    this.#children.add(child);
    // The function that waits for a program notices if it could not be run.
    child.on('error', () => {});
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Starts a program whose output goes to a file: it has to write its records, and we must not spend CPU on them. */
  #start(command, args, more) {
    const path = this.write('output', '');
    const output = openSync(path, 'w');
    const child = this.own(spawn(command, args, { stdio: ['ignore', output, output, ...more] }));
    closeSync(output);
    return { child, readOutput: () => readFileSync(path, 'utf8').slice(-4000) };
  }
}

/** A port that was free a moment ago, for programs that cannot be told to choose one themselves. */
export async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function waitForPort(child, port) {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline && child.exitCode === null && child.pid !== undefined) {
    if (await accepts(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function accepts(port) {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
}
