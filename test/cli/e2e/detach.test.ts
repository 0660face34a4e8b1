import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readEvents } from '../../support/event-schema.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { type Ended, program, runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** A user with a state of their own, in whose name everything is stopped after the test. */
interface User {
  readonly env: Record<string, string>;
  readonly state: string;
  run(words: readonly string[], env?: Record<string, string>): Promise<Ended>;
  list(): Promise<{ name: string; pid: number; [key: string]: unknown }[]>;
}

function makeUser(): User {
  const folder = makeTempFolder();
  const env = { XDG_STATE_HOME: folder, HOME: folder };
  const run: User['run'] = (words, more = {}) => runTunl(words, { ...env, ...more });
  onTestFinished(async () => void (await run(['stop', '--all', '-q'])));
  const list: User['list'] = async () => {
    const { stdout } = await run(['ps', '--json']);
    return (JSON.parse(stdout) as { instances: Awaited<ReturnType<User['list']>> }).instances;
  };
  return { env, state: join(folder, 'tunl'), run, list };
}

/** Reads what the system shows to others of a process. */
const readProc = (pid: number, name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');

async function ask(port: number, word: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(word);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

describe('--detach', () => {
  test('returns once it listens, and goes on until it is stopped', async () => {
    const user = makeUser();
    const target = await startTarget(echo);
    const started = await user.run(['forward', `:127.0.0.1:${target.port}`, '--detach', '--name', 'db']);
    expect(started).toMatchObject({ code: 0, stdout: '' });
    const [, port, pid] =
      /^tunl: forwarding 127\.0\.0\.1:(\d+) -> \S+\ntunl: runs in the background as db \(pid (\d+)\)\n$/.exec(
        started.stderr,
      ) ?? [];
    expect(await ask(Number(port), 'hello')).toBe('hello');
    expect(await user.run(['wait', 'db'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await user.list()).toMatchObject([
      {
        name: 'db',
        pid: Number(pid),
        state: 'listening',
        listeners: [{ role: 'forward', address: `127.0.0.1:${port}`, target: `127.0.0.1:${target.port}` }],
        tunnels: 1,
        sent: 5,
        received: 5,
      },
    ]);
    expect((await user.run(['ps'])).stdout).toMatch(/^NAME .*\ndb +\d+ +127\.0\.0\.1:\d+ -> \S+ +1 +5 +5 +\w+ +-\n$/);
    const again = await user.run(['serve', '0', '--detach', '--name', 'db']);
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain(`"db" already runs in the background (pid ${pid})`);
    const follower = startTunl(['logs', 'db', '-f'], user.env);
    const stopping = user.run(['stop', 'db']);
    await eventually(async () => (await user.list())[0]?.['state'], 'draining');
    expect(await user.run(['stop', 'db'])).toMatchObject({ code: 0 });
    expect((await stopping).stderr).toBe('tunl: db: 1 tunnel may finish\ntunl: db has ended\n');
    expect(await user.list()).toEqual([]);
    expect((await inTime('the end of the log', follower.ended)).stdout).toMatch(
      /forwarding[^]*stopping; 1 tunnel may finish[^]*ended with status 143\n$/,
    );
    expect(readdirSync(user.state).toSorted()).toEqual(['db.log', 'run']);
    expect(readdirSync(join(user.state, 'run'))).toEqual([]);
  });

  test('ends with the status and the message of a failure, and leaves nothing that runs', async () => {
    const user = makeUser();
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const failed = await user.run(['serve', `127.0.0.1:${port}`, '--detach']);
    const plain = await user.run(['serve', `127.0.0.1:${port}`]);
    expect(plain.code).toBe(98);
    expect(failed).toEqual(plain);
    expect(await user.list()).toEqual([]);
    const json = await user.run(['serve', `127.0.0.1:${port}`, '--detach', '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ event: 'error', code: 'address_in_use', exit: 98 });
  });

  test('gives names of its own, and one alone to many at the same time', async () => {
    const user = makeUser();
    const given = await Promise.all([1, 2].map(() => user.run(['serve', '0', '--detach', '--name', 'one'])));
    expect(new Set(given.map(({ code }) => code))).toEqual(new Set([0, 2]));
    const free = await Promise.all([1, 2].map(() => user.run(['serve', '0', '--detach', '--json'])));
    expect(free.map(({ stderr }) => readEvents(stderr).map(({ event }) => event))).toEqual([
      ['listening', 'detached'],
      ['listening', 'detached'],
    ]);
    expect((await user.list()).map(({ name }) => name)).toEqual(['one', 'serve', 'serve-2']);
    expect(await makeUser().list()).toEqual([]);
    expect((await user.run(['stop', '--all'])).stderr.trim().split('\n')).toHaveLength(3);
    expect(await user.list()).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('keeps secrets out of what others see of the process', async () => {
    const user = makeUser();
    const target = await startTarget(echo);
    const secrets = { TUNL_PROXY_PASSWORD: 'sesame-1', TUNL_SERVE_PASSWORD: 'sesame-2', MINE: 'http://me:sesame-3@p' };
    const served = await user.run(['serve', '0', '--user', 'me', '--detach'], secrets);
    const [, proxy] = /serving \S+:(\d+)/.exec(served.stderr) ?? [];
    // The password of the second proxy is never used: the first one does not know it.
    const words = ['forward', `:127.0.0.1:${target.port}`, '--check', '-x', `http://me:sesame-2@127.0.0.1:${proxy}`];
    const forwarded = await user.run([...words, '--detach', '--name', 'db'], secrets);
    expect(forwarded.code).toBe(0);
    const [, port] = /forwarding \S+:(\d+) ->/.exec(forwarded.stderr) ?? [];
    expect(await ask(Number(port), 'hello')).toBe('hello');
    const instances = await user.list();
    for (const { pid } of instances) {
      expect(readProc(pid, 'environ')).not.toContain('sesame');
      expect(readProc(pid, 'cmdline')).not.toContain('sesame');
    }
    expect(JSON.stringify(instances)).not.toContain('sesame');
    for (const file of readdirSync(user.state).filter((name) => /\.(?:log|json)$/.test(name)))
      expect(readFileSync(join(user.state, file), 'utf8')).not.toContain('sesame');
  });

  test.runIf(process.platform === 'linux')('keeps folder and umask, and has no terminal', async () => {
    const user = makeUser();
    const folder = makeTempFolder();
    writeFileSync(join(folder, 'chain.yaml'), 'stages: { front: { listen: 0, to: "127.0.0.1:1" } }');
    const script = 'umask 027; exec "$@" chain -c chain.yaml --detach --name here';
    const child = spawn('sh', ['-c', script, 'sh', process.execPath, program], {
      cwd: folder,
      env: { PATH: process.env['PATH'], TUNL_CONFIG: '', ...user.env },
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    const [{ pid } = { pid: 0 }] = await user.list();
    expect(readProc(pid, 'status')).toContain('Umask:\t0027\n');
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(folder);
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe('/dev/null');
    expect(readlinkSync(`/proc/${pid}/fd/1`)).toBe('/dev/null');
    expect(readlinkSync(`/proc/${pid}/fd/2`)).toBe(join(user.state, 'here.log'));
    const [, , , session] = readProc(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    expect(Number(session)).toBe(pid);
    // It reloads, as a server does.
    process.kill(pid, 'SIGHUP');
    await eventually(async () => (await user.run(['logs', 'here'])).stdout.includes('chain.yaml was read again'), true);
  });

  test('that is killed leaves nothing that confuses', async () => {
    const user = makeUser();
    await user.run(['serve', '0', '--detach', '--name', 'db']);
    const [{ pid } = { pid: 0 }] = await user.list();
    process.kill(pid, 'SIGKILL');
    await eventually(() => user.list(), []);
    expect(readdirSync(join(user.state, 'run'))).toEqual([]);
    expect(await user.run(['stop', 'db'])).toMatchObject({ code: 2 });
    expect(await user.run(['serve', '0', '--detach', '--name', 'db'])).toMatchObject({ code: 0 });
  });

  test('ends with the process that waits for it', async () => {
    const user = makeUser();
    const proxy = await startTarget();
    const words = ['forward', ':db:1', '--check', '-x', `http://127.0.0.1:${proxy.port}`, '--detach'];
    const run = startTunl([...words, '--handshake-timeout', '10m'], user.env);
    const asked = await proxy.accept();
    run.child.kill('SIGKILL');
    await asked.waitForEnd();
    await eventually(() => user.list(), []);
  });

  test('passes on the descriptors that its words name', async () => {
    const user = makeUser();
    const folder = makeTempFolder();
    writeFileSync(join(folder, 'password'), 'sesame\n');
    const script = 'exec "$@" --user-password-file /dev/fd/7 --ready-fd 5 7<password 5>ready';
    const words = [process.execPath, program, 'serve', '0', '--user', 'me', '--detach'];
    const child = spawn('bash', ['-c', script, 'bash', ...words], {
      cwd: folder,
      env: { PATH: process.env['PATH'], TUNL_CONFIG: '', ...user.env },
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(readFileSync(join(folder, 'ready'), 'utf8')).toMatch(/^127\.0\.0\.1:\d+\n$/);
  });

  test('refuses a state that others may read', async () => {
    const user = makeUser();
    mkdirSync(user.state, { mode: 0o755 });
    const { code, stderr } = await user.run(['serve', '0', '--detach']);
    expect(code).toBe(2);
    expect(stderr).toContain(`chmod 700 ${user.state}`);
    expect(existsSync(join(user.state, 'serve.log'))).toBe(false);
    chmodSync(user.state, 0o700);
  });
});

test('the hidden word of a process in the background is for nobody else', async () => {
  const { code, stderr } = await runTunl(['--detached', 'serve']);
  expect(code).toBe(2);
  expect(stderr).toContain('this is a part of --detach');
});
