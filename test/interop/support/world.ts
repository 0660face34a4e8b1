import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Network, type Part, startIn, startPart } from './part.ts';
import { type Command, launch, type Result, run, type Running, type RunOptions } from './process.ts';
import { makeFolder } from './workspace.ts';

/** Whether this machine lets us have a network and mounts of our own: it takes root. */
export const hasWorld: boolean = spawnSync('unshare', ['--mount', '--net', 'true']).status === 0;

/** A network with names and addresses of its own, in which every port is free, and no way out. */
export interface World {
  /** The home folder of its user, in which scripts run. */
  readonly home: string;
  /** The command that runs a script of bash there. */
  command(script: string, env?: Readonly<Record<string, string>>): Command;
  /** Runs a script of bash to its end. */
  run(script: string, options?: WorldRunOptions): Promise<Result>;
  /** Starts a script of bash. */
  launch(script: string, env?: Readonly<Record<string, string>>): Running;
  /** Starts a part in it and lets `HOST:PORT` lead there. */
  host(place: string, start: () => Promise<Part>): Promise<Part>;
  stop(): Promise<void>;
}

/** The options for running a script. */
export interface WorldRunOptions extends RunOptions {
  readonly env?: Readonly<Record<string, string>>;
}

const setup = `
  set -eu
  mount --bind "$1/hosts" /etc/hosts
  mount --bind "$1/passwd" /etc/passwd
  ip link set lo up
  sed -n 's/ .*//; /^127[.]/!p' /etc/hosts | while read -r address; do ip address add "$address/32" dev lo; done
  echo ready
  exec sleep infinity
`;

/**
 * Makes a world of these hosts, whose addresses are private, or public for names of `example.com`; a host
 * that is an address is just that. Each of the users is root there, with a home folder of the same name.
 */
export async function openWorld(hosts: readonly string[], users: readonly string[] = []): Promise<World> {
  const folder = makeFolder('world');
  const home = makeHome(folder, 'home');
  const addresses = new Map(hosts.map((host, index) => [host, chooseAddress(host, index + 1)]));
  const lines = [...addresses].map(([host, address]) => `${address} ${host}\n`).join('');
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${lines}`);
  const accounts = users.map((user) => `${user}:x:0:0::${makeHome(folder, user)}:/bin/bash\n`);
  // The first line for a number names its user: ssh looks for its files where that one lives.
  const others = readFileSync('/etc/passwd', 'utf8').replaceAll(/^root:.*\n/gm, '');
  const passwd = `root:x:0:0::${home}:/bin/bash\n${accounts.join('')}${others}`;
  writeFileSync(join(folder, 'passwd'), passwd);
  mkdirSync(join(home, 'bin'));
  symlinkSync(fileURLToPath(new URL('../../../dist/main.js', import.meta.url)), join(home, 'bin/tunl'));

  const holder = launch({ file: 'unshare', args: ['--mount', '--net', '--', 'sh', '-c', setup, 'sh', folder] });
  await holder.waitFor('world', () => holder.stdout().includes('ready') || undefined);
  const enter = ({ file, args, env, cwd = home }: Command): Command => ({
    file: 'nsenter',
    // nsenter leaves the command in our folder, which lies in our own mounts, even if its path is the same there.
    args: `--target ${holder.child.pid} --mount --net -- sh -c`
      .split(' ')
      .concat('cd "$0" && exec "$@"', cwd, file, args),
    env: { HOME: home, PATH: `${home}/bin:${process.env['PATH']}:/usr/sbin:/usr/bin:/sbin:/bin`, ...env },
  });
  const isReached = async (host: string, port: number) => {
    const { code } = await run(enter({ file: 'socat', args: ['-u', '/dev/null', `TCP4:${host}:${port}`] }));
    return code === 0;
  };
  const network: Network = { enter, isListening: (port) => isReached('127.0.0.1', port) };
  const runScript = (script: string, env: Command['env'] = {}) => enter({ file: 'bash', args: ['-c', script], env });
  return {
    home,
    command: runScript,
    run: (script, { env, ...options } = {}) => run(runScript(script, env), options),
    launch: (script, env) => launch(runScript(script, env)),
    host: async (place, start) => {
      const part = await startIn(network, start);
      const [host = '', port = ''] = place.split(':');
      const bind = addresses.get(host) ?? '127.0.0.1';
      const door = await startIn({ enter, isListening: () => isReached(bind, Number(port)) }, () =>
        startPart(`door of ${place}`.replaceAll(/\W/g, '-'), () => ({
          file: 'socat',
          args: ['-t60', `TCP4-LISTEN:${port},bind=${bind},reuseaddr,fork`, `TCP4:127.0.0.1:${part.port}`],
        })),
      );
      const stop = async () => void (await Promise.all([door.stop(), part.stop()]));
      return { ...part, stop };
    },
    stop: async () => void (await holder.stop()),
  };
}

function chooseAddress(host: string, number: number): string {
  if (isIP(host) !== 0) return host;
  return host.endsWith('.example.com') ? `192.0.32.${number}` : `10.77.0.${number}`;
}

function makeHome(folder: string, name: string): string {
  const home = join(folder, name);
  mkdirSync(home);
  return home;
}
