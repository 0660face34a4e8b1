import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { startPostgres } from '../parts/postgres.ts';
import { type Sshd, startSshd } from '../parts/sshd.ts';
import type { Part } from './part.ts';
import type { Running } from './process.ts';
import { openWorld, type World, type WorldRunOptions } from './world.ts';

/** The world in which tests run the blocks of a page as a reader types them. */
export interface PageWorld extends World {
  /** Lets a name lead to a part for the time of the test. */
  lend(place: string, start: () => Promise<Part>): Promise<Part>;
  /** Starts a script whose last command stays, and waits for what it says on stderr. */
  start(script: string, ready: RegExp): Promise<Running>;
  /** The same; the test's end stops it. */
  begin(
    script: string,
    ready: RegExp,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly running: Running; readonly match: RegExpExecArray }>;
  /** Talks to a port of this machine on descriptor 3, and returns what is said; by default the first line of the port. */
  talk(port: number, script?: string): Promise<string>;
  /** Runs the commands behind each `$` of a block, and checks that stdout and stderr are its other lines. */
  play(block: string, options?: WorldRunOptions): Promise<void>;
}

/** Opens a world for the blocks of a page, with these hosts and users. */
export async function openPageWorld(hosts: readonly string[], users: readonly string[] = []): Promise<PageWorld> {
  const world = await openWorld(hosts, users);
  const waitUntilReady = (running: Running, ready: RegExp) =>
    running.waitFor(String(ready), () => ready.exec(running.stderr()) ?? undefined);
  return {
    ...world,
    lend: async (place, start) => {
      const part = await world.host(place, start);
      onTestFinished(part.stop);
      return part;
    },
    start: async (script, ready) => {
      const running = world.launch(script);
      await waitUntilReady(running, ready);
      return running;
    },
    begin: async (script, ready, env) => {
      const running = world.launch(script, env);
      onTestFinished(async () => void (await running.stop()));
      return { running, match: await waitUntilReady(running, ready) };
    },
    talk: async (port, script = 'head -n 1 <&3') =>
      (await world.run(`exec 3<>/dev/tcp/127.0.0.1/${port}; ${script}`)).stdout,
    play: async (block, options) => {
      const lines = block.split('\n');
      const commands = lines.flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
      const { stdout } = await world.run(`exec 2>&1\n${commands.join('\n')}`, options);
      expect(stdout).toBe(lines.filter((line) => !line.startsWith('$ ')).join('\n'));
    },
  };
}

/** Starts an sshd in the world whose user and key its ssh knows; `lend` it to the names that lead there. */
export async function startShell(world: World): Promise<Part> {
  let started: Sshd | undefined;
  await world.host('localhost:22', async () => (started = await startSshd()));
  const sshd = started as unknown as Sshd;
  const settings = ['StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', 'LogLevel ERROR', 'BatchMode yes'];
  mkdirSync(join(world.home, '.ssh'));
  writeFileSync(join(world.home, '.ssh/config'), [...settings, `IdentityFile ${sshd.keyFile}`, ''].join('\n'));
  return { ...sshd, stop: async () => {} };
}

/** Starts a PostgreSQL in the world with the database `app` for its user. */
export async function startDatabase(world: World): Promise<Part> {
  const part = await startPostgres();
  const place = `-h 127.0.0.1 -p ${part.port}`;
  // It listens before it takes anybody in.
  const ready = await world.run(`timeout 20 bash -c 'until pg_isready -q ${place}; do sleep 0.1; done'`);
  expect(ready.code).toBe(0);
  const words = `psql ${place} -U postgres -q`;
  const made = await world.run(`${words} -c 'create role root superuser login' && ${words} -c 'create database app'`);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  return part;
}
