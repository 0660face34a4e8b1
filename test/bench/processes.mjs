import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How long a program may take to listen. */
const readyMs = 15_000;

/** How long a program may take to end. */
const graceMs = 3000;

/** The built program. */
export const tunlPath = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Everything that a run starts or writes, so that nothing of it is left behind. */
export class Bench {
  /** A temporary folder that other users may read: squid gives its root rights up. */
  folder = mkdtempSync(join(tmpdir(), 'tunl-bench-'));
  #children = new Set();

  /**
   * Starts a program and resolves with its pid once `port` of it accepts connections.
   * @throws {Error} with the end of what it printed, when it does not
   */
  async startListening(command, args, port) {
    const child = this.own(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    const output = collectOutput(child);
    if (!(await waitForPort(child, port))) throw new Error(`${command} does not listen on ${port}: ${output()}`);
    return child;
  }

  /** Starts `tunl ARGS`, which listens on a free port, and resolves with the port that it says. */
  async startTunl(...args) {
    const child = this.own(spawn(process.execPath, [tunlPath, ...args], { stdio: ['ignore', 'ignore', 'pipe'] }));
    const output = collectOutput(child);
    const port = await new Promise((resolve, reject) => {
      const fail = (how) => reject(new Error(`tunl ${args.join(' ')} ${how}: ${output()}`));
      const timer = setTimeout(() => fail('does not listen'), readyMs);
      child.once('close', () => fail('ended'));
      child.stderr.on('data', () => {
        const said = /tunl: (?:serving|forwarding) \S+:(\d+)/.exec(output());
        if (!said) return;
        clearTimeout(timer);
        resolve(Number(said[1]));
      });
    });
    return { child, port };
  }

  /** Starts a worker of this folder; it answers every message with one message. */
  startWorker(file) {
    const child = this.own(
      fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
    return {
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
    const path = join(this.folder, name);
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

  async stop() {
    await Promise.all([...this.#children].map((child) => this.end(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Takes charge of a child until it exits. */
  own(child) {
    this.#children.add(child);
    // A program that cannot be run is found out by whoever waits for it.
    child.on('error', () => {});
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

function collectOutput(child) {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (text = (text + chunk).slice(-4000)));
  return () => text;
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
