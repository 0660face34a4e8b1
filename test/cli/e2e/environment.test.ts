import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inTime } from '../../support/eventually.ts';
import { greet, startTarget, type Target } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { type Ended, runTunl, startTunl } from '../../support/harness/tunl-process.ts';

/** Plays a proxy that opens one tunnel, and gives the head of the request. */
async function acceptTunnel(proxy: Target): Promise<string> {
  const peer = await proxy.accept();
  const head = await peer.readHead();
  peer.send('HTTP/1.1 200 OK\r\n\r\nhello');
  peer.fin();
  return head;
}

/** Runs tunl to its end while the proxy opens one tunnel. */
async function runThrough(
  proxy: Target,
  words: readonly string[],
  env: Record<string, string>,
): Promise<{ ended: Ended; head: string }> {
  const running = runTunl(words, env);
  const head = await acceptTunnel(proxy);
  return { ended: await inTime('the end', running), head };
}

const readAuth = (head: string) => {
  const [, token = ''] = /^Proxy-Authorization: Basic (\S+)\r$/m.exec(head) ?? [];
  return Buffer.from(token, 'base64').toString();
};

test('goes through the proxy of the environment, with its user and password', async () => {
  const proxy = await startTarget();
  const env = { HTTPS_PROXY: `http://me:s%20cret@127.0.0.1:${proxy.port}/`, NO_PROXY: 'other' };
  const { ended, head } = await runThrough(proxy, ['connect', '-v', 'db.corp:5432'], env);
  expect(ended).toMatchObject({ code: 0, stdout: 'hello' });
  expect(ended.stderr).toContain(`tunl: db.corp:5432: HTTPS_PROXY says http://***@127.0.0.1:${proxy.port}\n`);
  expect(head).toMatch(/^CONNECT db\.corp:5432 HTTP\/1\.1\r\n/);
  expect(readAuth(head)).toBe('me:s cret');
});

test.each([
  ['NO_PROXY', [], { no_proxy: 'bad/8,127.0.0.0/8' }, 'no proxy, as no_proxy has "127.0.0.0/8"'],
  ['--direct', ['--direct'], {}, undefined],
])('goes to the target itself because of %s', async (_why, words, env, reason) => {
  const target = await startTarget(greet('hi'));
  const proxies = { https_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' };
  const ended = await runTunl(['connect', '-v', ...words, `127.0.0.1:${target.port}`], { ...proxies, ...env });
  expect(ended).toMatchObject({ code: 0, stdout: 'hi' });
  if (reason !== undefined) expect(ended.stderr).toContain(`tunl: 127.0.0.1:${target.port}: ${reason}\n`);
  expect(ended.stderr.includes('"bad/8" is ignored')).toBe(reason !== undefined);
});

test('forward warns of an entry of NO_PROXY that cannot be meant, connect says it with -v', async () => {
  const target = await startTarget(greet('hi'));
  const env = { https_proxy: 'http://127.0.0.1:1', NO_PROXY: '*corp,127.*' };
  const doubt = 'NO_PROXY: "*corp" is ignored: a star stands for whole parts: *.example.com, 10.*';
  const place = `127.0.0.1:${target.port}`;
  const forward = startTunl(['forward', `:${place}`], env);
  await forward.waitFor(/forwarding /);
  forward.child.kill('SIGTERM');
  expect((await forward.ended).stderr).toMatch(`tunl: ${doubt}\n`);
  expect(await runTunl(['connect', place], env)).toMatchObject({ code: 0, stdout: 'hi', stderr: '' });
  const { stderr } = await runTunl(['connect', '-v', place], env);
  expect(stderr).toMatch(`tunl: ${doubt}\n`);
  expect(stderr).toMatch(`tunl: ${place}: no proxy, as NO_PROXY has "127.*"\n`);
});

test('-x is asked, and not the environment', async () => {
  const proxy = await startTarget();
  const words = ['connect', '-x', `http://127.0.0.1:${proxy.port}`, 'db:22'];
  const { ended, head } = await runThrough(proxy, words, { https_proxy: 'http://127.0.0.1:1', NO_PROXY: '*' });
  expect([ended.code, ended.stderr, head.split(' ')[1]]).toEqual([0, '', 'db:22']);
});

test('a forward takes the proxy for some of its targets and none for others', async () => {
  const proxy = await startTarget();
  const target = await startTarget(greet('direct'));
  const specs = [`:127.0.0.1:${target.port}`, ':db.corp:5432'];
  const env = { all_proxy: `127.0.0.1:${proxy.port}`, NO_PROXY: `127.0.0.1:${target.port}` };
  const tunl = startTunl(['forward', ...specs], env);
  const [, first] = await tunl.waitFor(/forwarding 127\.0\.0\.1:(\d+) -> 127\.0\.0\.1:\d+\n/);
  const [, second] = await tunl.waitFor(
    /forwarding 127\.0\.0\.1:(\d+) -> db\.corp:5432 via http:\/\/127\.0\.0\.1:\d+\n/,
  );
  expect(await readAll(Number(first))).toBe('direct');
  const [head, text] = await Promise.all([acceptTunnel(proxy), readAll(Number(second))]);
  expect(head).toMatch(/^CONNECT db\.corp:5432 /);
  expect(text).toBe('hello');
  tunl.child.kill('SIGTERM');
  expect(await tunl.ended).toMatchObject({ code: 0 });
});

test('serve takes no proxy from the environment', async () => {
  const target = await startTarget(greet('served'));
  const tunl = startTunl(['serve', '127.0.0.1:0'], { https_proxy: 'http://127.0.0.1:1' });
  const [, port = ''] = await tunl.waitFor(/serving 127\.0\.0\.1:(\d+)\n/);
  const ended = await runTunl(['connect', '-x', `127.0.0.1:${port}`, `127.0.0.1:${target.port}`]);
  expect(ended).toMatchObject({ code: 0, stdout: 'served' });
  tunl.child.kill('SIGTERM');
  await tunl.ended;
});

test('a proxy variable that cannot be used is exit 2, by its name', async () => {
  const { code, stderr } = await runTunl(['connect', 'db:22'], { https_proxy: 'gopher://me:s3cret@p:1' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^tunl: https_proxy "gopher:\/\/\*\*\*@p:1" has an unknown scheme: "gopher"\n/);
});

test('takes the password of a user in the environment from the .netrc at home', async () => {
  const proxy = await startTarget();
  const HOME = makeTempFolder();
  writeFileSync(join(HOME, '.netrc'), 'machine 127.0.0.1 login me password "from #netrc"\n', { mode: 0o600 });
  const env = { HOME, https_proxy: `http://me@127.0.0.1:${proxy.port}` };
  const { ended, head } = await runThrough(proxy, ['connect', 'db:22'], env);
  expect([ended.code, ended.stderr, readAuth(head)]).toEqual([0, '', 'me:from #netrc']);
});

test('asks for no password where the proxy is not used', async () => {
  const target = await startTarget(greet('hi'));
  const env = {
    https_proxy: 'http://me@127.0.0.1:1',
    NO_PROXY: '127.0.0.1',
    SSH_ASKPASS: '/bin/false',
    SSH_ASKPASS_REQUIRE: 'force',
  };
  expect(await runTunl(['connect', `127.0.0.1:${target.port}`], env)).toMatchObject({ code: 0, stdout: 'hi' });
});

function readAll(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(port, '127.0.0.1').end();
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.once('end', () => resolve(text)).once('error', reject);
  });
}
