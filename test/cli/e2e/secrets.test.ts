import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const password = 'Tr0ub4dor &3/%';
const encoded = encodeURIComponent(password);
/** Everything that gives the password away, with the padding of base64 left out. */
const needles = [
  password,
  encoded,
  'Tr0ub4dor',
  Buffer.from(`me:${password}`).toString('base64').replace(/=+$/, ''),
  Buffer.from(password).toString('base64').replace(/=+$/, ''),
];

function expectNoSecret(text: string): void {
  for (const needle of needles) expect(text).not.toContain(needle);
}

type Answer = (socket: Socket, request: string) => void;

/** The answers of proxies to a request, the worst of them included. */
const answers: Record<string, Answer> = {
  'opens the tunnel': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'),
  'wants another password': (socket) => socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'),
  'repeats the request in the body of its 403': (socket, request) =>
    socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${request.length}\r\n\r\n${request}`),
  'repeats the password in its reason': (socket) => socket.end(`HTTP/1.1 502 not ${password}\r\n\r\n`),
  'repeats the password in Proxy-Status': (socket) =>
    socket.end(`HTTP/1.1 502 No\r\nProxy-Status: p; error=dns_error; details="${password}"\r\n\r\n`),
  'is an echo server': (socket, request) => socket.end(request),
  'sends the credentials instead of HTTP': (socket, request) => socket.end(/Basic \S+/.exec(request)?.[0] ?? ''),
  'closes at once': (socket) => socket.end(),
  'resets at once': (socket) => socket.resetAndDestroy(),
  'cuts the tunnel': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
    socket.resume().once('end', () => socket.resetAndDestroy());
  },
  'says nothing': () => {},
};

const voices = [['-vv'], ['-vv', '--json'], []];

async function startProxy(answer: Answer) {
  return startTarget((socket) => void socket.once('data', (head) => answer(socket, head.toString('latin1'))));
}

test.each(Object.keys(answers))('a proxy that %s learns the password, and nobody else', async (name) => {
  for (const voice of voices) {
    const proxy = await startProxy(answers[name] as Answer);
    const words = [
      'connect',
      ...voice,
      '--handshake-timeout',
      '200ms',
      '-x',
      `http://me@127.0.0.1:${proxy.port}`,
      'db:22',
    ];
    const { stdout, stderr, code } = await runTunl(words, { TUNL_PROXY_PASSWORD: password });
    expect(proxy.accepted).toBe(1);
    expectNoSecret(stdout + stderr);
    if (name !== 'opens the tunnel') expect([code, stderr]).not.toEqual([0, '']);
  }
});

/** Every place that a password may come from. */
const sources = (port: number, folder: string) => {
  const at = `127.0.0.1:${port}`;
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const askpass = write('askpass', `#!/bin/sh\necho '${password}'\n`);
  chmodSync(askpass, 0o700);
  const headers = write('headers', `Proxy-Authorization: Bearer ${password}\n`);
  return [
    { words: ['-x', `http://me:${encoded}@${at}`] },
    { words: [`-xhttp://me:${encoded}@${at}`] },
    { words: [`--proxy=http://me:${encoded}@${at}|http://me:${encoded}@${at}`] },
    { words: ['-x', `http://${at}`, '--proxy-header', `Proxy-Authorization: Bearer ${password}`] },
    { words: ['-x', `http://${at}`, '--proxy-header', `@${headers}`] },
    { words: ['-x', `http://${at}?header=@${headers}`] },
    { words: ['-x', `http://${at}?header=Proxy-Authorization:%20Bearer%20${encoded}`] },
    { words: [], env: { https_proxy: `http://me:${encoded}@${at}` } },
    { words: ['-x', `http://me@${at}`], env: { TUNL_PROXY_PASSWORD: password } },
    { words: ['-x', `http://me@${at}`, '--password-file', write('password', `${password}\n`)] },
    { words: ['-x', `http://me@${at}`], env: { NETRC: write('netrc', `default login me password "${password}"`) } },
    { words: ['-x', `http://me@${at}`], env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' } },
  ];
};

test('no source of a password shows it in messages, events or the list of processes', async () => {
  const proxy = await startTarget();
  for (const { words, env = {} } of sources(proxy.port, makeTempFolder())) {
    const tunl = startTunl(['forward', '-vv', '--grace', '0', ...words, ':db:22'], env);
    const [, port] = await tunl.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
    const client = connectTo(Number(port), '127.0.0.1').on('error', () => {});
    const peer = await proxy.accept();
    const head = await peer.readHead();
    expect(head.includes(password) || head.includes(needles[3] as string)).toBe(true);
    expectNoSecret(readFileSync(`/proc/${tunl.child.pid}/cmdline`, 'latin1'));
    peer.send('HTTP/1.1 200 OK\r\n\r\n');
    await tunl.waitFor(/opened/);
    tunl.child.kill('SIGUSR2');
    await tunl.waitFor(/1 tunnel/);
    tunl.child.kill('SIGTERM');
    const { stdout, stderr } = await tunl.ended;
    client.destroy();
    expect(stdout).toBe('');
    expectNoSecret(stderr);
  }
});

test('a server shows neither its own password nor that of a further proxy, not even to a guesser', async () => {
  const proxy = await startProxy(answers['is an echo server'] as Answer);
  const words = ['serve', '127.0.0.1:0', '-vv', '--user', 'me', '-x', `http://me@127.0.0.1:${proxy.port}`];
  const tunl = startTunl(words, { TUNL_PROXY_PASSWORD: password, TUNL_SERVE_PASSWORD: `${password}!` });
  const [, port] = await tunl.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const through = ['connect', '-vv', '-x', `http://me@127.0.0.1:${port}`, 'db:22'];
  const right = await runTunl(through, { TUNL_PROXY_PASSWORD: `${password}!` });
  const wrong = await runTunl(through, { TUNL_PROXY_PASSWORD: `${password}?` });
  expect([right.code, wrong.code]).toEqual([97, 67]);
  tunl.child.kill('SIGTERM');
  const { stderr } = await tunl.ended;
  expect(stderr).toContain(' 407 ');
  expectNoSecret(right.stderr + wrong.stderr + stderr);
});

test('the program of SSH_ASKPASS gets the question and none of our passwords', async () => {
  const folder = makeTempFolder();
  const askpass = join(folder, 'askpass');
  const report = join(folder, 'report');
  writeFileSync(askpass, `#!/bin/sh\n{ tr '\\0' ' ' <"/proc/$$/cmdline"; env; } >'${report}'\nexit 3\n`, {
    mode: 0o700,
  });
  const env = { TUNL_PROXY_PASSWORD_1: password, TUNL_SERVE_PASSWORD: password, KEPT: 'yes' };
  const asking = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  const words = ['connect', '-x', 'http://me@127.0.0.1:1', '-x', 'http://you@127.0.0.1:2', 'db:22'];
  const { code, stderr } = await runTunl(words, { ...env, ...asking });
  expect([code, stderr]).toEqual([2, `tunl: the program of SSH_ASKPASS, "${askpass}", gave no password: status 3\n`]);
  const seen = readFileSync(report, 'utf8');
  expect(seen).toContain('tunl: password of you for 127.0.0.1:2:');
  expect(seen).toContain('KEPT=yes');
  expect(seen.replace('TUNL_CONFIG=\n', '')).not.toContain('TUNL_');
  expectNoSecret(seen);
});

test('the command behind -- gets none of our passwords', async () => {
  const script = `tr '\\0' ' ' <"/proc/$$/cmdline"; env`;
  const words = ['forward', ':db:22', '-x', 'http://me@127.0.0.1:1', '--', 'sh', '-c', script];
  const env = { TUNL_PROXY_PASSWORD: password, TUNL_PROXY_PASSWORD_2: password, TUNL_SERVE_PASSWORD: password };
  const { code, stdout } = await runTunl(words, { ...env, KEPT: 'yes' });
  expect(code).toBe(0);
  expect(stdout).toContain('KEPT=yes');
  expect(stdout).not.toMatch(/TUNL_\w*PASSWORD/);
  expectNoSecret(stdout);
});

test('a password on the command line is out of sight while it is used, and the rest stays', async () => {
  const proxy = await startTarget();
  const words = ['connect', '-x', `http://me:${encoded}@127.0.0.1:${proxy.port}`, 'db:22'];
  const { child, ended } = startTunl(words);
  await proxy.accept();
  await eventually(
    () => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').replaceAll('\0', ''),
    `tunl connect -x http://***@127.0.0.1:${proxy.port} db:22`,
  );
  child.kill('SIGTERM');
  expect((await ended).code).toBe(143);
});
