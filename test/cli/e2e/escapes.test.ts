import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { answerWith, openThen, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { type Behaviour, refusedAddress, stall, startTarget } from '../../support/targets/plain.ts';
import { type Ended, runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { commands } from '../../support/harness/command-line.ts';

/** All variables that make programs use colours although they write into a pipe. */
const paints = {
  FORCE_COLOR: '3',
  CLICOLOR_FORCE: '1',
  COLORTERM: 'truecolor',
  TERM: 'xterm-256color',
  TERM_PROGRAM: 'iTerm.app',
};

/** Expects no byte with which a sequence for terminals could begin. */
function expectPlain({ stdout, stderr }: Ended): void {
  expect(stdout + stderr).not.toBe('');
  // The only control characters are ends of lines and tabs. Some terminals take a C1 control for an escape.
  expect(stdout).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/);
  expect(stderr).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
}

test.each([
  ['--help'],
  ['--version'],
  ['help', 'exit-codes'],
  ...commands.flatMap(({ name }) => [
    [name, '--help'],
    ['help', name],
  ]),
  ...['bash', 'zsh', 'fish'].map((shell) => ['completion', shell]),
])('tunl %s %s prints plain text', async (...words) => {
  const ended = await runTunl(words, paints);
  expect(ended.code).toBe(0);
  expectPlain(ended);
});

test.each([
  [],
  ['conect'],
  ['connect', '--frob', 'db:22'],
  ['connect', 'db\u001b[31m:22'],
  ['forward', 'x:y:z'],
  ['forward', ':db:22', '--watch', '-q'],
  ['serve', '0.0.0.0:0'],
  ['serve', '127.0.0.1:0', '--auth-file', '/nonexistent/\u001b[31m'],
  ['completion', 'tcsh'],
  ['help', 'nothing'],
])('bad arguments %s %s %s are refused in plain text', async (...words) => {
  const ended = await runTunl(
    words.filter((word) => word !== undefined),
    paints,
  );
  expect(ended.code).toBe(2);
  expectPlain(ended);
});

const painted = '\u001b[31mno\u001b[0m\u009b2J\u0007';

/** A proxy that opens a tunnel, so that `--check` finds nothing wrong. */
const opens = 'a reset in the middle';

const proxies: readonly (readonly [what: string, proxy: Behaviour])[] = [
  ['a reason that paints', answerWith(writeRefusal(`403 ${painted}`))],
  ['a page that paints', answerWith(writeRefusal('403 Forbidden', [], painted))],
  ['a field that paints', answerWith(writeRefusal('502 Bad Gateway', [`Proxy-Status: x; details="${painted}"`]))],
  ['a realm that paints', answerWith(writeRefusal('407 Who', [`Proxy-Authenticate: Basic realm="${painted}"`]))],
  ['no HTTP', answerWith(painted)],
  ['silence', stall],
  [opens, openThen('bytes', (socket) => socket.resetAndDestroy())],
];

test.each(proxies)('a proxy with %s is complained of in plain text', async (_what, proxy) => {
  const { port } = await startTarget(proxy);
  const words = ['-x', `http://127.0.0.1:${port}`, '--handshake-timeout', '500ms', '-vv'];
  const ended = await runTunl(['connect', ...words, 'db:22'], paints);
  expect(ended.code).not.toBe(0);
  expectPlain(ended);
});

test.each(proxies.filter(([what]) => what !== opens))(
  'a proxy with %s is complained of in plain text by --check',
  async (_what, proxy) => {
    const { port } = await startTarget(proxy);
    const words = ['-x', `http://127.0.0.1:${port}`, '--handshake-timeout', '500ms', '-vv'];
    const checked = await runTunl(['forward', ':db:22', ...words, '--check'], paints);
    expect(checked.code).not.toBe(0);
    expectPlain(checked);
  },
);

test.each([
  ['forward', [':127.0.0.1:1']],
  ['serve', ['127.0.0.1:0']],
])('tunl %s --watch in a pipe says that it is none, and shows tunnels in plain text', async (command, words) => {
  const tunl = startTunl([command, ...words, '--watch', '-vv'], paints);
  const [, port] = await tunl.waitFor(/(?:forwarding|serving) 127\.0\.0\.1:(\d+)/);
  await tunl.waitFor(/--watch needs a terminal; SIGUSR2 shows the tunnels/);
  const client = connect(Number(port), '127.0.0.1', () =>
    client.write(`CONNECT 127.0.0.1:${refusedAddress.port} HTTP/1.1\r\nHost: x\r\n\r\n`),
  );
  client.on('error', () => {});
  await tunl.waitFor(/refused/);
  client.destroy();
  tunl.child.kill('SIGUSR2');
  await tunl.waitFor(/\d tunnels?$/m);
  tunl.child.kill('SIGTERM');
  const ended = await tunl.ended;
  expect(ended.code).toBe(0);
  expectPlain(ended);
});
