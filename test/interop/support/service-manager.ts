import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { launch, run } from './process.ts';
import { makeFolder } from './workspace.ts';

const program = '/lib/systemd/systemd';
const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** True where a service manager can run that has nothing to do with the one of this machine. */
export const hasManager: boolean = existsSync(program) && spawnSync('unshare', [...namespaces, 'true']).status === 0;

/** A unit file. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** The service manager of a user, for one test: systemd itself. */
export interface Manager {
  /** Runs systemctl, which waits until what it asks for is done. @throws {Error} if that fails */
  ask(...words: string[]): Promise<string>;
  /** Reads properties of a unit, in this order. */
  show(unit: string, ...names: string[]): Promise<string[]>;
}

const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    sign = ' '.join(s.recv(4096).decode().split())
    # It asks for nothing but that its descriptor is closed, which it is.
    if sign != 'BARRIER=1': print(sign, flush=True)
`;

/** A socket as systemd has one, and what was said to it. */
export async function listenForSigns() {
  const socket = join(makeFolder('notify'), 's');
  const python = launch({ file: 'python3', args: ['-c', receiver, socket] });
  onTestFinished(async () => void (await python.stop()));
  const waitFor = (pattern: RegExp) =>
    python.waitFor(String(pattern), () => pattern.exec(python.stdout().toString()) ?? undefined);
  await waitFor(/bound/);
  return { env: { NOTIFY_SOCKET: socket }, waitFor };
}

// systemd runs only where this folder is.
const script = `mount -t tmpfs none /run && mkdir -p /run/systemd/system && ${program} --user & wait`;

/** Starts a service manager with these units. It ends with the test, and so does everything that it has started. */
export async function startManager(units: readonly Unit[]): Promise<Manager> {
  const home = makeFolder('manager');
  const [runtime, folder] = [join(home, 'run'), join(home, 'config/systemd/user')];
  mkdirSync(runtime, { mode: 0o700 });
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of units) writeFileSync(join(folder, name), text);
  const env = { HOME: home, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: join(home, 'config') };
  // It is a service of somebody too, and says when it is ready.
  const signs = await listenForSigns();
  const args = [...namespaces, 'sh', '-c', script];
  const manager = launch({ file: 'unshare', args, env: { ...env, ...signs.env } });
  onTestFinished(async () => void (await manager.stop()));
  await signs.waitFor(/^READY=1/m);
  // It answers only processes that it can see.
  const pids = `--pid=/proc/${manager.child.pid}/ns/pid_for_children`;
  const enter = [`--target=${manager.child.pid}`, '--mount', pids, 'systemctl', '--user'];
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await run({ file: 'nsenter', args: [...enter, ...words], env });
    if (code !== 0) throw new Error(`systemctl ${words.join(' ')}: ${stderr}${manager.stderr()}`);
    return stdout;
  };
  const show = async (unit: string, ...names: string[]) => {
    const lines = (await ask('show', unit, ...names.map((name) => `--property=${name}`))).trimEnd().split('\n');
    const values = new Map(lines.map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]));
    return names.map((name) => values.get(name) ?? '');
  };
  return { ask, show };
}

/** Writes a program for units that runs this command line with more words. */
export function writeProgram(words: readonly string[]): string {
  const path = join(makeFolder('program'), 'tunl');
  writeFileSync(path, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
