import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askScript, makeScript, showScript } from '../../support/harness/scripts.ts';
import { answerAtEnd, echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const forward = (port: number, ...words: readonly string[]) => ['forward', '--direct', `:127.0.0.1:${port}`, ...words];

test('a command finds its port open, and its status is ours', async () => {
  const target = await startTarget(echo);
  const { code, stdout, stderr } = await runTunl(
    forward(target.port, '--', ...makeScript(askScript, '{port}', 'through the tunnel', '7')),
  );
  expect([code, stdout]).toEqual([7, 'through the tunnel']);
  expect(stderr).toMatch(/^tunl: forwarding 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+\n$/);
});

test('-q leaves stdout and stderr to the command', async () => {
  const target = await startTarget(echo);
  const script = makeScript('console.log("out"); console.error("err");');
  expect(await runTunl(forward(target.port, '-q', '--', ...script))).toMatchObject({
    code: 0,
    stdout: 'out\n',
    stderr: 'err\n',
  });
});

test('a command is told where every listener is', async () => {
  const socket = join(makeTempFolder(), 'tunl.sock');
  const words = [
    '{port}',
    '{host}:{port}',
    '{addr}',
    '{port2}',
    '{addr3}',
    '{host3}',
    '{{port}}',
    '${port}',
    'user@{host2}',
  ];
  const { code, stdout } = await runTunl(
    [
      'forward',
      '--direct',
      ':127.0.0.1:1',
      '[::1]:0:127.0.0.1:1',
      `unix:${socket}:127.0.0.1:1`,
      '--',
      ...makeScript(showScript, ...words),
    ],
    { TUNL_PORT_9: '9', TUNL_ADDR: 'stale', KEPT: 'yes' },
  );
  expect(code).toBe(0);
  const { args, env } = JSON.parse(stdout) as { args: string[]; env: Record<string, string> };
  const [port = '', , , port2 = ''] = args;
  expect([port, port2]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)]);
  expect(args.slice(1, 3)).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${port}`]);
  expect(args.slice(4)).toEqual([`unix:${socket}`, socket, '{port}', '${port}', 'user@::1']);
  expect(env).toEqual({
    KEPT: 'yes',
    TUNL_CONFIG: '',
    TUNL_PORT: port,
    TUNL_HOST: '127.0.0.1',
    TUNL_ADDR: `127.0.0.1:${port}`,
    TUNL_PORT_1: port,
    TUNL_HOST_1: '127.0.0.1',
    TUNL_ADDR_1: `127.0.0.1:${port}`,
    TUNL_PORT_2: port2,
    TUNL_HOST_2: '::1',
    TUNL_ADDR_2: `[::1]:${port2}`,
    TUNL_HOST_3: socket,
    TUNL_ADDR_3: `unix:${socket}`,
  });
});

test('a command does not get our passwords', async () => {
  const proxy = 'http://alice@127.0.0.1:1';
  const { code, stdout } = await runTunl(
    ['forward', ':db:5432', '-x', proxy, '--', ...makeScript('console.log(JSON.stringify(process.env))')],
    { TUNL_PROXY_PASSWORD: 'hunter2', TUNL_PROXY_PASSWORD_1: 'hunter2', TUNL_SERVE_PASSWORD: 'hunter2' },
  );
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/hunter2|PASSWORD/);
});

test("stdin is the command's to the last byte, and so is stdout at its own pace", async () => {
  const target = await startTarget(echo);
  const { child, ended } = startTunl(forward(target.port, '--', ...makeScript('process.stdin.pipe(process.stdout);')));
  const bulk = 'x'.repeat(3_000_000);
  child.stdout?.pause();
  child.stdin?.end(bulk);
  await new Promise((resolve) => void child.stdout?.once('readable', resolve));
  child.stdout?.resume();
  const { code, stdout } = await ended;
  expect([code, stdout === bulk]).toEqual([0, true]);
});

test.each([
  ['SIGKILL', 137],
  ['SIGTERM', 143],
  ['SIGSEGV', 139],
])('a command that dies of %s gives %i', async (signal, exit) => {
  const { code } = await runTunl(
    forward(1, '--', ...makeScript(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`)),
  );
  expect(code).toBe(exit);
});

test('a command that does not exist is 127, with what was looked for', async () => {
  const missing = await runTunl(forward(1, '-q', '--', 'no-such-program', 'x'));
  expect(missing).toMatchObject({ code: 127, stdout: '' });
  expect(missing.stderr).toBe(
    'tunl: cannot run "no-such-program": no such program\ntunl: hint: it is in no folder of PATH\n',
  );
  expect((await runTunl(forward(1, '--', '/no/such/program'))).code).toBe(127);
});

test('a command that cannot run is 126, with the reason', async () => {
  const folder = makeTempFolder();
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'text');
  chmodSync(plain, 0o644);
  for (const [file, reason] of [
    [plain, 'it is not executable'],
    [folder, 'it is not executable'],
    [join(plain, 'x'), 'a part of its path is not a folder'],
  ] as const) {
    const { code, stderr } = await runTunl(forward(1, '-q', '--', file));
    expect([code, stderr]).toEqual([126, expect.stringMatching(new RegExp(`^tunl: cannot run ".*": ${reason}\n$`))]);
  }
});

test('a failure of ours before the command runs is 125, and it does not run', async () => {
  const target = await startTarget(echo);
  const script = makeScript('console.log("ran");');
  const taken = await runTunl(['forward', `${target.port}:127.0.0.1:1`, '--', ...script]);
  expect(taken).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('the address is in use') });
  const refused = await runTunl(['forward', '--direct', '--check', '--json', ':127.0.0.1:1', '--', ...script]);
  expect(refused).toMatchObject({ code: 125, stdout: '' });
  expect(JSON.parse(refused.stderr)).toMatchObject({ event: 'error', code: 'connection_refused', exit: 125 });
});

test('what a command has sent arrives, although it ends without waiting', async () => {
  const target = await startTarget();
  const script = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.end(Buffer.alloc(2_000_000), () => process.exit(3));
`;
  const run = runTunl(forward(target.port, '--', ...makeScript(script, '{port}')));
  const peer = await target.accept();
  expect(await peer.readToEnd()).toHaveLength(2_000_000);
  peer.fin();
  expect((await run).code).toBe(3);
});

test('a command behind a proxy that keeps ends to itself gives its status back at once', async () => {
  const target = await startTarget((socket) => void socket.once('data', () => socket.write('+PONG\r\n')));
  const script = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.write('PING');
socket.once('data', () => process.exit(3));
`;
  const words = forward(target.port, '--grace', 'off', '--linger', 'off', '--', ...makeScript(script, '{port}'));
  expect(await runTunl(words)).toMatchObject({ code: 3 });
});

test("the answer to a command's half-close still comes", async () => {
  const target = await startTarget(answerAtEnd((question) => `${question.length} bytes`));
  const { code, stdout } = await runTunl(forward(target.port, '--', ...makeScript(askScript, '{port}', 'question')));
  expect([code, stdout]).toEqual([0, '8 bytes']);
});

test('a tunnel ends with a command that is killed', async () => {
  const target = await startTarget();
  const script = `
import { connect } from 'node:net';
const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.write('x');
socket.on('data', () => process.kill(process.pid, 'SIGKILL'));
`;
  const run = runTunl(forward(target.port, '--grace', 'off', '--', ...makeScript(script, '{port}')));
  const peer = await target.accept();
  await peer.read(1);
  peer.send('y');
  await peer.waitForEnd();
  expect((await run).code).toBe(137);
});

test('a tunnel that another process still holds is closed when the command has ended', async () => {
  const target = await startTarget();
  const holder = `
const socket = require('node:net').connect(process.argv[1], '127.0.0.1').on('close', () => process.exit());
socket.on('error', () => {}).write('x');
`;
  const script = `
import { spawn } from 'node:child_process';
spawn(process.execPath, ['-e', process.argv[3], process.argv[2]], { stdio: 'ignore', detached: true }).unref();
process.stdin.on('end', () => process.exit(4)).resume();
`;
  const words = [...makeScript(script, '{port}'), holder];
  const { child, ended, waitFor } = startTunl(forward(target.port, '--grace', 'off', '--', ...words));
  const peer = await target.accept();
  await peer.read(1);
  child.stdin?.end();
  await waitFor(/cut by tunl: .*\(the command has ended\)/);
  expect(await peer.waitForEnd()).toBe('fin');
  expect((await ended).code).toBe(4);
});
