import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../../support/certs/certs.ts';
import { askPort } from '../../support/harness/ask-port.ts';
import { eventually } from '../../support/eventually.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { startTls } from '../../support/targets/tls.ts';
import { makeTempFolder, writeTempFile } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const writeChain = (text: string) => writeTempFile('chain.yaml', text);

test('the stages of a file: into one process, through a tunnel of HTTP/2 and out of another', async () => {
  const target = await startTarget(echo);
  const edge = startTunl(['chain', '-c', writeChain('stages:\n  edge: { listen: 0, proxy: { accept: [post] } }\n')]);
  const [, hop] = await edge.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const path = writeChain(`stages:
  ingress: { listen: 0, to: internal://encap }
  encap: { via: 'h2c://127.0.0.1:${hop}', to: '127.0.0.1:${target.port}' }
`);
  const near = startTunl(['chain', '-c', path]);
  const [, port] = await near.waitFor(/forwarding 127\.0\.0\.1:(\d+) -> internal:\/\/encap/);
  expect(await askPort(port, 'hello')).toBe('hello');
  near.child.kill('SIGTERM');
  expect((await near.ended).code).toBe(0);
  edge.child.kill('SIGTERM');
  expect((await edge.ended).code).toBe(0);
});

test('the same in one line', async () => {
  const target = await startTarget(echo);
  const file = join(makeTempFolder(), 'port');
  const words = ['chain', '0', 'internal://a', 'internal://b', `127.0.0.1:${target.port}`, '--port-file', file];
  const { child, ended, waitFor } = startTunl(words);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+) -> internal:\/\/a/);
  expect(readFileSync(file, 'utf8')).toBe(`${port}\n`);
  expect(await askPort(port, 'hello')).toBe('hello');
  // There is no file to read again, so that SIGHUP ends it, as it does a forward.
  child.kill('SIGHUP');
  expect((await ended).code).toBe(0);
});

test('TLS with the target, printed from connect, runs as a stage; another authority is told in its record', async () => {
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  const port = await startTls(certs.server, (socket) => void socket.pipe(socket));
  const start = async (cacert: string) => {
    const words = ['connect', '--direct', '--tls-target', '--cacert', cacert, `localhost:${port}`, '--print'];
    const printed = await runTunl(words);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    const chain = startTunl(['chain', '-c', writeChain(printed.stdout)]);
    const [, listening] = await chain.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
    return { chain, listening };
  };
  const right = await start(certs.ca.cert);
  expect(await askPort(right.listening, 'hello')).toBe('hello');
  const wrong = await start(certs.otherCa.cert);
  const client = await connectPeer(Number(wrong.listening));
  expect(await client.waitForEnd()).toBe('reset');
  await wrong.chain.waitFor(/the certificate of localhost comes from an authority that is not trusted/);
  for (const { child, ended } of [right.chain, wrong.chain]) {
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  }
});

test('--print of one line is a file that --check finds good, with the fused stage named', async () => {
  const words = ['chain', '10000', 'internal://encap', 'h2c://127.0.0.1:10001', 'host.com:443'];
  const printed = await runTunl([...words, '--print']);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  const path = writeChain(printed.stdout);
  expect(await runTunl(['chain', '-c', path, '--check'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^ingress .*\nencap .* via h2c:\/\/127\.0\.0\.1:10001 +\[fused[^\n]*\nlisten   127\.0\.0\.1:10000  [^\n]*\n$/,
    ),
    stderr: '',
  });
  expect(await runTunl([...words, '--draw', 'mermaid'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^flowchart /),
  });
});

test.each([
  ['forward', ['forward', '5432:db:5432', '-x', 'http://me:hunter2@p:1', '--proxy-header', 'X-T: hunter2']],
  ['serve', ['serve', '0.0.0.0:1', '--user', 'me', '--post', '-x', 'http://me:hunter2@p:1']],
  ['connect', ['connect', 'db:22', '-x', 'https://me:hunter2@p', '--idle-timeout', '1h']],
  ['connect in TLS', ['connect', 'db:443', '-x', 'http://me:hunter2@p:1', '--tls-target', '--cacert', '/ca.pem']],
  ['chain', ['chain', '1', 'http://me:hunter2@p:1', 'db:1']],
  ['forward that would have to ask', ['forward', '5432:db:5432', '-x', 'http://me@p:1']],
])('--print of %s shows no secret, and is a file for chain -c', async (_what, words) => {
  const printed = await runTunl([...words, '--print'], { TUNL_SERVE_PASSWORD: 'hunter2' });
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  expect(printed.stdout).not.toContain('hunter2');
  const env = { TUNL_PROXY_PASSWORD: 'x', TUNL_PROXY_HEADER: 'y', TUNL_SERVE_PASSWORD: 'z' };
  const again = await runTunl(['chain', '-c', writeChain(printed.stdout), '--print'], env);
  expect(again).toMatchObject({ code: 0, stdout: printed.stdout.replaceAll(/^#.*\n/gm, '') });
});

test.each([
  [
    'a file that is not there',
    ['-c', '/nonexistent/chain.yaml'],
    'cannot read "/nonexistent/chain.yaml": no such file',
  ],
  ['words beside a file', ['-c', 'x', '10'], 'unexpected argument "10"'],
  ['a limit beside a file', ['-c', 'x', '--idle-timeout', '1h'], '--idle-timeout does not go with -c'],
  ['nothing', [], 'the stages are missing'],
  ['a LISTEN alone', ['10'], 'the stages are missing'],
  ['a stage behind a proxy', ['10', 'h2c://p', 'internal://a', 'b:1'], 'no proxy can lead to internal://a'],
  ['a form of drawing that is none', ['10', 'b:1', '--draw=x'], '--draw "x" is none of text, mermaid, svg'],
])('%s is exit 2', async (_what, words, message) => {
  const { code, stdout, stderr } = await runTunl(['chain', ...words]);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(`tunl: ${message}`)]);
});

test('a fault of the file is said with its place, also by --check for what only the program can know', async () => {
  const path = writeChain('stages:\n  a:\n    listen: 1\n    tp: b:1\n');
  expect(await runTunl(['chain', '-c', path])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `tunl: ${path}:4:5: unknown key "tp"\ntunl:   4 |     tp: b:1\ntunl:     |     ^\ntunl: hint: did you mean to?\n`,
    ) as string,
  });
  const open = writeChain('stages:\n  a: { listen: 0.0.0.0:1, proxy: true }\n');
  for (const words of [['--check'], []]) {
    const { code, stderr } = await runTunl(['chain', '-c', open, ...words]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`tunl: ${open}:2:16: refusing to serve 0.0.0.0:1`)]);
  }
});

test('SIGHUP reads the file again, and keeps the stages where it is wrong', async () => {
  const [first, second] = [
    await startTarget((socket) => socket.end('one')),
    await startTarget((socket) => socket.end('two')),
  ];
  // A port that the system has chosen stays the same.
  const file = (target: number) =>
    `stages:\n  a: { listen: 0, to: internal://b }\n  b: { to: '127.0.0.1:${target}' }\n`;
  const path = writeChain(file(first.port));
  const { child, ended, waitFor } = startTunl(['chain', '-c', path]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  expect(await askPort(port, '')).toBe('one');
  writeFileSync(path, file(second.port));
  child.kill('SIGHUP');
  await waitFor(/was read again/);
  expect(await askPort(port, '')).toBe('two');
  writeFileSync(path, `${file(first.port)}  c: { listn: 1 }\n`);
  child.kill('SIGHUP');
  await waitFor(/chain\.yaml:4:8: unknown key "listn"\n(?:tunl: .*\n)+tunl: hint: the stages run on as they were/);
  expect(await askPort(port, '')).toBe('two');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('the port file holds the ports of the stages that a reload put in place', async () => {
  const [first, second] = ["  a: { listen: 0, to: '127.0.0.1:1' }", "  b: { listen: 0, to: '127.0.0.1:1' }"];
  const path = writeChain(`stages:\n${first}\n`);
  const portFile = join(dirname(path), 'ports');
  const { child, ended, waitFor } = startTunl(['chain', '-c', path, '--port-file', portFile]);
  const [, port] = await waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  writeFileSync(path, `stages:\n${first}\n${second}\n`);
  child.kill('SIGHUP');
  await waitFor(/was read again/);
  const [, other] = await waitFor(/forwarding[^]*forwarding 127\.0\.0\.1:(\d+)/);
  expect(readFileSync(portFile, 'utf8')).toBe(`${port}\n${other}\n`);
  writeFileSync(path, `stages:\n${second}\n`);
  child.kill('SIGHUP');
  await eventually(() => readFileSync(portFile, 'utf8'), `${other}\n`);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(existsSync(portFile)).toBe(false);
});
