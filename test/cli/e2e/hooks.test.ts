import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readEvents } from '../../support/event-schema.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { runTunl, startTunl, type Tunl } from '../../support/harness/tunl-process.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** Commands that write what they were told to a file, one for each event, and how to read it. */
function makeHooks() {
  const folder = makeTempFolder();
  const path = (event: string) => join(folder, event);
  const write = (event: string) => `env -0 > ${path(event)}.part && mv ${path(event)}.part ${path(event)}`;
  const read = (event: string): Record<string, string> =>
    Object.fromEntries(
      readFileSync(path(event), 'utf8')
        .split('\0')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  const appeared = (event: string) => eventually(() => existsSync(path(event)), true);
  return { folder, path, read, appeared, words: ['--on-up', write('up'), '--on-down', write('down')] };
}

/** Takes what hooks are told out of their environment. */
const told = (env: Record<string, string>) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('TUNL_') && name !== 'TUNL_CONFIG'));

const forward = ['forward', '--direct', ':127.0.0.1:1'];

function start(words: readonly string[], env: Record<string, string> = {}): Tunl {
  const tunl = startTunl(words, env);
  onTestFinished(() => void tunl.child.kill('SIGKILL'));
  return tunl;
}

describe('--on-up and --on-down', () => {
  test.each([
    ['forward', forward],
    ['serve', ['serve', '127.0.0.1:0']],
    ['chain', ['chain', '127.0.0.1:0', '127.0.0.1:1']],
  ])('of %s are told what happened', async (_name, words) => {
    const hooks = makeHooks();
    const stale = { TUNL_NAME: 'outer', TUNL_REASON: 'outer', TUNL_PORT_7: '7', TUNL_PROXY_PASSWORD: 'sesame' };
    const { child, ended } = start([...words, ...hooks.words], { ...stale, NOTIFY_SOCKET: '/nowhere', KEPT: 'yes' });
    await hooks.appeared('up');
    const up = hooks.read('up');
    const port = up['TUNL_PORT'];
    const listens = `127.0.0.1:${port}`;
    const place = { TUNL_HOST: '127.0.0.1', TUNL_PORT: port, TUNL_ADDR: listens, TUNL_LISTEN: listens };
    const numbered = { TUNL_HOST_1: '127.0.0.1', TUNL_PORT_1: port, TUNL_ADDR_1: listens };
    const facts = { ...place, ...numbered, TUNL_PID: String(child.pid) };
    expect(port).toMatch(/^\d+$/);
    expect(told(up)).toEqual({ ...facts, TUNL_EVENT: 'up' });
    expect([up['KEPT'], up['NOTIFY_SOCKET']]).toEqual(['yes', undefined]);
    expect(existsSync(hooks.path('down'))).toBe(false);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
    expect(told(hooks.read('down'))).toEqual({
      ...facts,
      TUNL_EVENT: 'down',
      TUNL_REASON: 'interrupted by SIGTERM',
      TUNL_EXIT_STATUS: '0',
    });
  });

  test('run once, whatever is read again, and down once nothing listens', async () => {
    const file = join(makeTempFolder(), 'chain.yaml');
    const stage = (name: string) => `  ${name}: { listen: 127.0.0.1:0, to: 127.0.0.1:1 }\n`;
    writeFileSync(file, `stages:\n${stage('one')}`);
    const client = join(makeTempFolder(), 'client.cjs');
    const ask = `require('node:net').connect(process.env.TUNL_PORT, '127.0.0.1')`;
    writeFileSync(client, `${ask}.on('connect', () => console.log('open')).on('error', (e) => console.log(e.code));`);
    const down = `echo "$TUNL_EVENT"; echo "$TUNL_LISTEN" | grep -c .; '${process.execPath}' ${client}`;
    const { child, ended, waitFor } = start(['chain', '-c', file, '--on-up', 'echo up', '--on-down', down]);
    await waitFor(/^up$/m);
    writeFileSync(file, `stages:\n${stage('one')}${stage('two')}`);
    child.kill('SIGHUP');
    await waitFor(/was read again/);
    child.kill('SIGTERM');
    const { stderr, code } = await ended;
    expect(code).toBe(0);
    expect(stderr.match(/^(?:up|down|\d|open|E[A-Z]+)$/gm)).toEqual(['up', 'down', '2', 'ECONNREFUSED']);
  });

  test('do not run if the start fails', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const hooks = makeHooks();
    expect(await runTunl(['serve', `127.0.0.1:${port}`, ...hooks.words])).toMatchObject({ code: 98 });
    expect([existsSync(hooks.path('up')), existsSync(hooks.path('down'))]).toEqual([false, false]);
  });

  test('may fail, and nothing but a warning follows', async () => {
    const { child, ended, waitFor } = start([...forward, '--on-up', 'exit 3', '--on-down', 'kill -9 $$']);
    await waitFor(/^tunl: .*--on-up ended with status 3$/m);
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/--on-down ended with SIGKILL\n$/);
  });

  test('may hang: up ends with tunl, and a second signal ends down', async () => {
    const hang = (word: string) =>
      `trap 'echo ${word} told; exit' TERM; echo ${word} runs; while :; do sleep 0.05; done`;
    const { child, ended, waitFor } = start([...forward, '--on-up', hang('up'), '--on-down', hang('down')]);
    await waitFor(/^up runs$/m);
    child.kill('SIGTERM');
    await waitFor(/^up told$[^]*^down runs$/m);
    child.kill('SIGTERM');
    const { stderr } = await inTime('the end', ended);
    expect(stderr).toMatch(/--on-down was ended by a signal$[^]*^down told$/m);
  });

  test('read nothing, and leave stdout alone', async () => {
    const { child, ended, waitFor } = start([...forward, '--on-up', 'cat; echo said; echo wrong >&2']);
    await waitFor(/^said\nwrong$/m);
    child.kill('SIGTERM');
    expect((await ended).stdout).toBe('');
  });

  test('leave nothing but JSON with --json', async () => {
    const hooks = makeHooks();
    const [, up = '', , down = ''] = hooks.words;
    const words = ['--json', '--on-up', `echo said; ${up}`, '--on-down', `echo said; ${down}; exit 4`];
    const { child, ended } = start([...forward, ...words]);
    await hooks.appeared('up');
    child.kill('SIGTERM');
    const events = readEvents((await ended).stderr);
    expect(events.map(({ event }) => event)).toEqual(['listening', 'draining', 'notice']);
    expect(events[2]).toMatchObject({ level: 'warning', message: '--on-down ended with status 4' });
  });

  test('run beside the command of forward, and learn its status', async () => {
    const hooks = makeHooks();
    const wait = `while [ ! -e ${hooks.path('up')} ]; do sleep 0.01; done; exit 7`;
    const done = await runTunl([...forward, ...hooks.words, '--', 'sh', '-c', wait]);
    expect(done).toMatchObject({ code: 7 });
    expect(told(hooks.read('down'))).toMatchObject({
      TUNL_EVENT: 'down',
      TUNL_REASON: 'the command has ended',
      TUNL_EXIT_STATUS: '7',
    });
    const others = makeHooks();
    const missing = await runTunl([...forward, ...others.words, '--', '/no/such/program']);
    expect(missing).toMatchObject({ code: 127 });
    expect(told(others.read('down'))).toMatchObject({
      TUNL_REASON: expect.stringContaining('/no/such/program'),
      TUNL_EXIT_STATUS: '127',
    });
  });

  test('run in the background, where the log has what they say', async () => {
    const folder = makeTempFolder();
    const env = { XDG_STATE_HOME: folder, HOME: folder };
    onTestFinished(async () => void (await runTunl(['stop', '--all', '-q'], env)));
    const said = 'echo "$TUNL_EVENT $TUNL_NAME $TUNL_REASON"';
    const words = [...forward, '--detach', '--name', 'db', '--on-up', said, '--on-down', said];
    expect(await runTunl(words, env)).toMatchObject({ code: 0 });
    await eventually(async () => (await runTunl(['logs', 'db'], env)).stdout.includes('up db \n'), true);
    expect(await runTunl(['stop', 'db'], env)).toMatchObject({ code: 0 });
    const { stdout } = await runTunl(['logs', 'db'], env);
    expect(stdout.match(/^(?:up|down) .*$/gm)).toEqual(['up db ', 'down db interrupted by SIGTERM']);
  });

  test('need a command', async () => {
    const { code, stderr } = await runTunl([...forward, '--on-up', ' ']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--on-up has no command')]);
  });
});
