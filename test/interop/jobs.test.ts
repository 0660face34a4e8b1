import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { findBlock, listJobs } from '../support/readme.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startRedis } from './parts/redis.ts';
import { startGuardedSquid, startSquid } from './parts/squid.ts';
import { startAnswer, startEcho } from './parts/socat.ts';
import { type Part, startPart } from './support/part.ts';
import type { Running } from './support/process.ts';
import { openPageWorld, type PageWorld, startDatabase, startShell } from './support/page-world.ts';
import { hasWorld, type WorldRunOptions } from './support/world.ts';

if (!hasWorld) process.stderr.write('A network of our own takes root: the jobs of docs/jobs.md are not run\n');

const page = 'docs/jobs.md';
const jobs = listJobs(findBlock('jobs', page));
const hosts = `proxy proxy-a proxy-b host a.example.com ssh.github.com box.example.com edge.example.com docker web
  db db.internal db.example.com cache cache.internal win.internal kube.internal`.split(/\s+/);

let world: PageWorld;
let certs: Awaited<ReturnType<typeof makeCerts>>;
let sshd: Part;

/** Lets a name lead to a part for the time of the test. */
const host = (place: string, start: () => Promise<Part>) => world.lend(place, start);

/** Returns the commands of a job, as a user types them. */
function scriptOf(number: number): string {
  return jobs.find((job) => job.number === number)?.lines.join('\n') ?? '';
}

function runJob(number: number, options?: WorldRunOptions) {
  return world.run(scriptOf(number), options);
}

/** Starts a job that runs until it is stopped, and waits for its message. */
async function startJob(
  number: number,
  ready: RegExp,
  line = 0,
  env?: Readonly<Record<string, string>>,
): Promise<Running> {
  const commands = scriptOf(number)
    .split('\n')
    .filter((text) => !text.startsWith('#'));
  return (await world.begin(`exec ${commands[line]}`, ready, env)).running;
}

/** Writes into a running program and waits for its answer. */
async function ask(running: Running, question: string, answer: RegExp): Promise<void> {
  running.child.stdin?.write(question);
  await running.waitFor(String(answer), () => answer.exec(running.stdout().toString()) ?? undefined);
}

const answer = (text: string) => `HTTP/1.0 200 OK\r\n\r\n${text}`;

/** ssh without a terminal hands its input to a shell. */
const shell: WorldRunOptions = { input: 'echo "hello from $USER"' };
const greeted = (user: string) => ({ code: 0, stdout: `hello from ${user}\n`, stderr: '' });

describe.skipIf(!hasWorld)('the jobs', () => {
  beforeAll(async () => {
    [world, certs] = await Promise.all([openPageWorld(hosts, ['me', 'git']), makeCerts()]);
    sshd = await startShell(world);
    return world.stop;
  });

  const hostSsh = (place: string) => host(place, async () => sshd);
  const hostProxy = () => host('proxy:3128', startSquid);

  test('are fifteen, in order', () => {
    expect(jobs.map(({ number }) => number)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  });

  test('1: ssh through a proxy', async () => {
    await hostProxy();
    await hostSsh('host:22');
    expect(await runJob(1, shell)).toMatchObject(greeted('me'));
  });

  test('2: the environment decides for the configuration of ssh', async () => {
    const config = scriptOf(2).replaceAll(/^#/gm, '');
    appendFileSync(join(world.home, '.ssh/config'), `${config}\n`);
    await hostSsh('a.example.com:22');
    const words = 'ssh me@a.example.com';
    expect(await world.run(words, shell)).toMatchObject(greeted('me'));
    const env = { https_proxy: 'http://proxy:3128' };
    expect(await world.run(words, { ...shell, env })).toMatchObject({ code: 255 });
    await hostProxy();
    expect(await world.run(words, { ...shell, env })).toMatchObject(greeted('me'));
  });

  test('3: git over the port that passes', async () => {
    await host('proxy:3128', () =>
      startSquid({
        rules: 'acl CONNECT method CONNECT\nacl tls port 443\nhttp_access allow CONNECT tls\nhttp_access deny all',
      }),
    );
    await hostSsh('ssh.github.com:443');
    const make = `git init -q -b main ~git/me/repo && cd ~git/me/repo && echo content >file && git add file &&
      git -c user.name=me -c user.email=me@example commit -q -m first`;
    expect(await world.run(make)).toMatchObject({ code: 0, stderr: '' });
    expect(await runJob(3)).toMatchObject({ code: 0 });
    expect(readFileSync(join(world.home, 'repo/file'), 'utf8')).toBe('content\n');
  });

  test('4: a box of your own behind a proxy that allows 443 only', async () => {
    await host('proxy:3128', () =>
      startSquid({ rules: 'acl tls port 443\nhttp_access allow tls\nhttp_access deny all' }),
    );
    const { cert, key } = await certs.issue({ cn: 'box', dns: ['box.example.com'] });
    copyFileSync(cert, join(world.home, 'box.pem'));
    copyFileSync(key, join(world.home, 'box.key'));
    writeFileSync(join(world.home, 'users'), `me:${hashSync('secret', 4)}\n`);
    writeFileSync(join(world.home, '.netrc'), 'machine box.example.com login me password secret\n', { mode: 0o600 });
    const [there, here] = scriptOf(4)
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    const box = await startJob(4, /^tunl: serving 0\.0\.0\.0:443$/m);
    expect(there).toMatch(/^tunl serve /);
    const env = { NODE_EXTRA_CA_CERTS: certs.ca.cert };
    expect(await world.run(here ?? '', { ...shell, env }), box.stderr()).toMatchObject(greeted('me'));
  });

  test('5: TLS to the target inside the tunnel', async () => {
    await hostProxy();
    const { cert, key } = await certs.issue({ cn: 'db', dns: ['db.example.com'] });
    await host('db.example.com:5433', () => startEcho({ cert, key }));
    const running = world.launch(scriptOf(5), { NODE_EXTRA_CA_CERTS: certs.ca.cert });
    onTestFinished(async () => void (await running.stop()));
    await ask(running, 'hello', /^hello$/);
  });

  test('6: a password from a file', async () => {
    await host('proxy:3128', () => startGuardedSquid({ user: 'me', password: 'from a file' }));
    await hostSsh('host:22');
    writeFileSync(join(world.home, '.proxy-password'), 'from a file\n', { mode: 0o600 });
    const running = world.launch(scriptOf(6));
    onTestFinished(async () => void (await running.stop()));
    await ask(running, '', /^SSH-2\.0-/);
  });

  test('7: psql', async () => {
    await hostProxy();
    await host('db.internal:5432', () => startDatabase(world));
    expect(await runJob(7, { input: '\\pset format unaligned\n\\t on\nselect 6 * 7;' })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\n42\n$/),
    });
  });

  test('8: redis-cli', async () => {
    await hostProxy();
    await host('cache.internal:6379', startRedis);
    expect(await runJob(8)).toMatchObject({ code: 0, stdout: 'PONG\n' });
  });

  test('9: several forwards at once', async () => {
    await hostProxy();
    await host('db:5432', () => startDatabase(world));
    await host('cache:6379', startRedis);
    await host('docker:2375', () => startAnswer(answer('containers')));
    await startJob(9, /forwarding unix:docker\.sock/);
    const asked = await world.run(
      `psql -h 127.0.0.1 -p 5432 -Atc 'select 6 * 7' app; redis-cli PING; curl -s --unix-socket docker.sock http://x/`,
    );
    expect(asked).toMatchObject({ code: 0, stdout: '42\nPONG\ncontainers', stderr: '' });
  });

  test('10: kubectl', async () => {
    await hostProxy();
    const { cert, key } = await certs.issue({ cn: 'kube', dns: ['kube.internal'] });
    const api = fileURLToPath(new URL('support/kube-api.mjs', import.meta.url));
    await host('kube.internal:6443', () =>
      startPart('kube', (port) => ({ file: process.execPath, args: [api, String(port), cert, key] })),
    );
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'kube',
      clusters: [{ name: 'kube', cluster: { 'certificate-authority': certs.ca.cert } }],
      users: [{ name: 'me', user: { token: 'secret' } }],
      contexts: [{ name: 'kube', context: { cluster: 'kube', user: 'me' } }],
    };
    mkdirSync(join(world.home, '.kube'));
    writeFileSync(join(world.home, '.kube/config'), JSON.stringify(kubeconfig));
    expect(await runJob(10)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^NAME .*\nweb-0 /),
    });
  });

  test('11: a remote desktop', async () => {
    await hostProxy();
    await host('win.internal:3389', () => startEcho());
    await startJob(11, /forwarding 127\.0\.0\.1:13389/);
    const asked = await world.run(`exec 3<>/dev/tcp/127.0.0.1/13389; echo hello >&3; head -n 1 <&3`);
    expect(asked).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  test('12: two proxies, the second with an authority of its own', async () => {
    await hostProxy();
    await hostSsh('host:22');
    const other = certs.otherCa;
    const edge = await certs.issue({ cn: 'edge', dns: ['edge.example.com'], issuer: other });
    copyFileSync(other.cert, join(world.home, 'edge-ca.pem'));
    await host('edge.example.com:443', () => startSquid({ tls: edge }));
    expect(await runJob(12, shell)).toMatchObject(greeted('me'));
  });

  test('13: one connection to the proxy for many tunnels', async () => {
    await host('db:5432', () => startDatabase(world));
    await host('web:80', () => startAnswer(answer('a page')));
    const edge = await certs.issue({ cn: 'edge', dns: ['edge.example.com'] });
    const squid = await host('proxy:3128', startSquid);
    await host('edge.example.com:443', () => startNghttpx({ backendPort: squid.port, backend: 'http/1.1', tls: edge }));
    const job = await startJob(13, /forwarding 127\.0\.0\.1:8080/, 0, { NODE_EXTRA_CA_CERTS: certs.ca.cert });
    const asked = await world.run(
      `psql -h 127.0.0.1 -p 5432 -Atc 'select 6 * 7' app; curl -s http://127.0.0.1:8080/
      ls -l /proc/${job.child.pid}/fd | grep -c socket:`,
    );
    expect(asked, job.stderr()).toMatchObject({ stdout: expect.stringMatching(/^42\na page/) });
  });

  test('14: a tunnel in CI that is known to work, or a job that fails', async () => {
    await hostProxy();
    const use = `\npsql -h "\${addr%:*}" -p "\${addr##*:}" -Atc 'select 6 * 7' app; kill $!`;
    expect(await world.run(scriptOf(14) + use)).toMatchObject({ code: 1, stdout: '' });
    await host('db.internal:5432', () => startDatabase(world));
    expect(await world.run(scriptOf(14) + use)).toMatchObject({ code: 0, stdout: '42\n' });
  });

  test('15: two proxies of which one is down', async () => {
    await host('proxy-b:3128', startSquid);
    await host('db:5432', () => startDatabase(world));
    const job = await startJob(15, /forwarding 127\.0\.0\.1:5432/);
    const asked = await world.run(`psql -h 127.0.0.1 -p 5432 -Atc 'select 6 * 7' app`);
    expect(asked, job.stderr()).toMatchObject({ code: 0, stdout: '42\n' });
  });
});
