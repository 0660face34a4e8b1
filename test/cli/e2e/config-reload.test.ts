import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTunl } from '../../support/harness/tunl-process.ts';
import { openSocks5 } from '../../support/peers/socks-client.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** A forward whose configuration can be written anew. */
async function startForward(words: readonly string[], text: string, env: Record<string, string> = {}) {
  const folder = join(makeTempFolder(), 'tunl');
  const file = join(folder, 'config.yaml');
  mkdirSync(folder);
  const write = (next: string) => writeFileSync(file, next, { mode: 0o600 });
  write(text);
  const tunl = startTunl(['forward', '-v', ...words], {
    TUNL_CONFIG: undefined,
    XDG_CONFIG_HOME: dirname(folder),
    ...env,
  });
  onTestFinished(() => void tunl.child.kill('SIGKILL'));
  const [, port] = await tunl.waitFor(/(?:forwarding |serving socks:)127\.0\.0\.1:(\d+)\b/);
  return { ...tunl, file, write, port: Number(port) };
}

function open(port: number) {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const ask = async (word: string) => {
    socket.write(word);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return String(answer);
  };
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return { ask, closed };
}

/** The way to a target through a proxy that does not run. */
const nowhere = "match: { '127.0.0.1': http://127.0.0.1:1 }\n";

test('SIGHUP makes a forward read its configuration again: new tunnels take the new way, old ones live on', async () => {
  const target = await startTarget(echo);
  const forward = await startForward([`:127.0.0.1:${target.port}`], 'match: { 127.0.0.1: direct }\n');
  const old = open(forward.port);
  expect(await old.ask('before')).toBe('before');
  forward.write(nowhere);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/config\.yaml, certificates and keys were read again/);
  await open(forward.port).closed;
  await forward.waitFor(/127\.0\.0\.1:1\b.*refused/);
  expect(await old.ask('after')).toBe('after');
});

test('a file that is wrong changes nothing, and a later one that is right does', async () => {
  const target = await startTarget(echo);
  const forward = await startForward([`:127.0.0.1:${target.port}`], 'match: { 127.0.0.1: direct }\n');
  forward.write('match: { 127.0.0.1: }}\n');
  forward.child.kill('SIGHUP');
  await forward.waitFor(/config\.yaml:1:\d+: [^]*hint: the forwards run on as they were/);
  expect(await open(forward.port).ask('still')).toBe('still');
  forward.write(nowhere);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/were read again/);
  await open(forward.port).closed;
});

test('a file that is gone changes nothing: no target is dialled directly that had a way', async () => {
  const target = await startTarget(echo);
  const forward = await startForward([`:127.0.0.1:${target.port}`], nowhere);
  rmSync(forward.file);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/the configuration \S+config\.yaml is gone[^]*hint: the forwards run on as they were/);
  await open(forward.port).closed;
  await forward.waitFor(/127\.0\.0\.1:1\b.*refused/);
});

test('the clients of a front take the ways that the file has now', async () => {
  const target = await startTarget(echo);
  const forward = await startForward(['socks:'], 'match: { 127.0.0.1: direct }\n', {
    https_proxy: 'http://127.0.0.1:1',
  });
  const [old, reply] = await openSocks5(forward.port, '127.0.0.1', target.port);
  expect(reply).toBe(0);
  forward.write(nowhere);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/were read again/);
  const [, refused] = await openSocks5(forward.port, '127.0.0.1', target.port);
  expect(refused).not.toBe(0);
  old.send('after');
  expect(await old.readUntil('after')).toBe('after');
});

test('the listeners of a name follow it, and those that stay keep their ports', async () => {
  const [one, two] = [await startTarget(echo), await startTarget(echo)];
  const listening = (...targets: readonly { readonly port: number }[]) =>
    `forwards: { db: [${targets.map(({ port }) => `':127.0.0.1:${port}'`).join(', ')}] }\n`;
  const forward = await startForward(['@db'], listening(one));
  forward.write(listening(one, two));
  forward.child.kill('SIGHUP');
  const [, added] = await forward.waitFor(
    new RegExp(`forwarding 127\\.0\\.0\\.1:(\\d+) -> 127\\.0\\.0\\.1:${two.port}`),
  );
  expect(await open(forward.port).ask('first')).toBe('first');
  expect(await open(Number(added)).ask('second')).toBe('second');
  forward.write('forwards: { other: [":127.0.0.1:1"] }\n');
  forward.child.kill('SIGHUP');
  await forward.waitFor(/there is no forward "db"/);
  expect(await open(Number(added)).ask('second')).toBe('second');
});

test('a question that has an answer is not asked again', async () => {
  const folder = makeTempFolder();
  const [program, asked] = [join(folder, 'ask'), join(folder, 'asked')];
  writeFileSync(program, `#!/bin/sh\necho "$1" >> '${asked}'\necho sesame\n`);
  chmodSync(program, 0o700);
  const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
  const text = 'proxies: { work: http://me@127.0.0.1:1 }\n';
  const forward = await startForward([':127.0.0.1:1', '-x', '@work'], text, env);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/were read again/);
  expect(readFileSync(asked, 'utf8').trim().split('\n')).toHaveLength(1);
});

test('a reload asks nobody for a password that is new', async () => {
  const folder = makeTempFolder();
  const [program, asked] = [join(folder, 'ask'), join(folder, 'asked')];
  writeFileSync(program, `#!/bin/sh\necho "$1" >> '${asked}'\necho sesame\n`);
  chmodSync(program, 0o700);
  const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
  const forward = await startForward([':127.0.0.1:1', '-x', '@work'], 'proxies: { work: http://127.0.0.1:1 }\n', env);
  forward.write('proxies: { work: http://me@127.0.0.1:1 }\n');
  forward.child.kill('SIGHUP');
  await forward.waitFor(/has a user and no password[^]*nobody can be asked[^]*hint: the forwards run on as they were/);
  expect(existsSync(asked)).toBe(false);
});

test('a password command that has failed runs again at the next reload', async () => {
  const flag = join(makeTempFolder(), 'unlocked');
  const forward = await startForward([':127.0.0.1:1', '-x', '@work'], 'proxies: { work: http://127.0.0.1:1 }\n');
  const work = `{ url: 'http://me@127.0.0.1:1', password-command: 'test -e ${flag} && echo sesame' }`;
  forward.write(`proxies: { work: ${work} }\n`);
  forward.child.kill('SIGHUP');
  await forward.waitFor(/gave no password: status 1/);
  writeFileSync(flag, '');
  forward.child.kill('SIGHUP');
  await forward.waitFor(/were read again/);
});
