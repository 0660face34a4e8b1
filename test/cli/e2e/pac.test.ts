import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pac, startWeb, writeAnswer } from '../../pac/file/web.ts';
import { startTestServe } from '../../support/harness/app.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { startOwnNames } from '../../support/peers/own-names.ts';
import { greet, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** An environment whose home is empty, so that copies of files do not outlive the test. */
const makeHome = () => ({ HOME: makeTempFolder() });

function writePac(text: string): string {
  const path = join(makeTempFolder(), 'proxy.pac');
  writeFileSync(path, text);
  return path;
}

test('connect goes through the proxy that a PAC file names, and -v says how it came to that', async () => {
  const target = await startTarget(greet('hello'));
  const serve = await startTestServe();
  const web = await startWeb(writeAnswer(pac(`PROXY 127.0.0.1:1; PROXY 127.0.0.1:${serve.port}`)));
  const env = makeHome();
  const words = ['connect', '-v', '-x', `pac+${web.url.href}`, `127.0.0.1:${target.port}`];
  const { code, stdout, stderr } = await runTunl(words, env);
  expect([code, stdout]).toEqual([0, 'hello']);
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
  const name = `http://127.0.0.1:${web.target.port}/proxy.pac`;
  expect(stderr).toContain(`tunl: ${name} is read without TLS: whoever is on the way can name other proxies\n`);
  expect(stderr).toMatch(
    `tunl: 127.0.0.1:${target.port}: ${name} says "PROXY 127.0.0.1:1; PROXY 127.0.0.1:${serve.port}"\n`,
  );
  expect(stderr).toMatch('tunl: cannot connect to the proxy 127.0.0.1:1: connection refused; trying on\n');
  // Another run uses the copy.
  expect(await runTunl(words.toSpliced(1, 1), env)).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });
  expect(web.heads).toHaveLength(1);
  expect(readdirSync(join(env.HOME, '.cache/tunl')).filter((file) => file.startsWith('pac-'))).toHaveLength(1);
});

test('a PAC file that cannot be had is the failure of a hop, and |direct goes on without it', async () => {
  const target = await startTarget(greet('hello'));
  const url = 'pac+http://127.0.0.1:1/proxy.pac';
  const words = (proxy: string) => ['connect', '-x', proxy, `127.0.0.1:${target.port}`];
  const failed = await runTunl(words(url), makeHome());
  expect(failed.code).toBe(7);
  expect(failed.stderr).toMatch(
    /^tunl: .*the PAC file http:\/\/127\.0\.0\.1:1\/proxy\.pac cannot be had: cannot connect to 127\.0\.0\.1:1: connection refused\n/,
  );
  expect(await runTunl(words(`${url}|direct`), makeHome())).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });
});

test('a PAC file decides for each target of a forward by itself', async () => {
  const [near, far] = [await startTarget(greet('near')), await startTarget(greet('far'))];
  const serve = await startTestServe();
  const file = writePac(
    `function FindProxyForURL(url) { return url.includes(':${near.port}/') ? 'DIRECT' : 'PROXY 127.0.0.1:${serve.port}'; }`,
  );
  const tunl = startTunl(
    ['forward', `0:127.0.0.1:${near.port}`, `0:127.0.0.1:${far.port}`, '-x', `pac+file://${file}`],
    makeHome(),
  );
  const [, first] = await tunl.waitFor(
    /forwarding 127\.0\.0\.1:(\d+) -> 127\.0\.0\.1:\d+ via pac\+file:\/\/\S+proxy\.pac\n/,
  );
  const [, second] = await tunl.waitFor(/forwarding .*\n.*forwarding 127\.0\.0\.1:(\d+) -> /);
  expect([await readFirst(Number(first)), await readFirst(Number(second))]).toEqual(['near', 'far']);
  expect(serve.eventsOf('tunnel.opened').map((event) => event.target)).toEqual([`127.0.0.1:${far.port}`]);
  tunl.child.kill('SIGTERM');
  expect(await tunl.ended).toMatchObject({ code: 0 });
});

test('serve checks the address of a target for which a PAC file names no proxy', async () => {
  const names = await startOwnNames({ 'inside.test': ['127.0.0.1'] });
  const target = await startTarget(greet('hello'));
  const file = writePac(pac('DIRECT'));
  const words = ['serve', '127.0.0.1:0', '-x', `pac+file://${file}`, '--allow', '*.test', '--allow', '127.0.0.1'];
  const env = { ...names.env, ...makeHome() };
  const denying = startTunl(words.slice(0, -2), env);
  const [, port = ''] = await denying.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const asked = ['connect', '-x', `127.0.0.1:${port}`, `inside.test:${target.port}`];
  const refused = await runTunl(asked);
  expect(refused.code).toBe(97);
  expect(refused.stderr).toMatch(/403/);
  expect(target.accepted).toBe(0);
  denying.child.kill('SIGTERM');
  await denying.ended;
  const allowing = startTunl(words, env);
  const [, other = ''] = await allowing.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const reached = await runTunl(['connect', '-x', `127.0.0.1:${other}`, `inside.test:${target.port}`]);
  expect(reached).toMatchObject({ code: 0, stdout: 'hello' });
  allowing.child.kill('SIGTERM');
  await allowing.ended;
});

test('-x system asks the tool of the desktop, and honours its exceptions', async () => {
  const target = await startTarget(greet('hello'));
  const serve = await startTestServe();
  const tools = makeTempFolder();
  const settings = (ignored: string) => `
org.gnome.system.proxy mode 'manual'
org.gnome.system.proxy ignore-hosts [${ignored}]
org.gnome.system.proxy.https host '127.0.0.1'
org.gnome.system.proxy.https port ${serve.port}`;
  const install = (ignored: string) => {
    const script = `#!/bin/sh\n[ "$*" = "list-recursively org.gnome.system.proxy" ] || exit 1\ncat <<'END'${settings(ignored)}\nEND\n`;
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(tools, 'gsettings'), script);
    chmodSync(join(tools, 'gsettings'), 0o755);
  };
  const env = { ...makeHome(), PATH: `${tools}:/usr/bin:/bin` };
  const words = ['connect', '-v', '-x', 'system', `127.0.0.1:${target.port}`];
  install("'localhost'");
  const through = await runTunl(words, env);
  expect(through).toMatchObject({ code: 0, stdout: 'hello' });
  expect(through.stderr).toMatch(`GNOME's setting for proxies names http://127.0.0.1:${serve.port}\n`);
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
  install("'localhost', '127.0.0.0/8'");
  const around = await runTunl(words, env);
  expect(around).toMatchObject({ code: 0, stdout: 'hello' });
  expect(around.stderr).toMatch('no proxy, as GNOME\'s setting for proxies has "127.0.0.0/8"\n');
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
});

test('-x system ends with 2 where there are no settings', async () => {
  const env = { ...makeHome(), PATH: makeTempFolder() };
  const { code, stderr } = await runTunl(['connect', '-x', 'system', 'db:22'], env);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^tunl: .*there is no gsettings; there is no .*kioslaverc\ntunl: hint: name the proxy: /);
});

test('a chooser is printed as it was given', async () => {
  const url = 'pac+https://wpad.corp/proxy.pac?v=1&trust=*.corp&cacert=/ca.pem';
  const { code, stdout } = await runTunl(['forward', '1:db:2', '-x', `${url}|direct`, '-x', 'https://edge', '--print']);
  expect(code).toBe(0);
  expect(stdout).toContain('pac+https://wpad.corp/proxy.pac?v=1&cacert=/ca.pem&trust=*.corp|direct');
});

test('pac prints the decision, the functions that were called, and how long it took', async () => {
  const file = writePac(`function FindProxyForURL(url, host) {
    return isPlainHostName(host) || isInNet(dnsResolve('10.1.2.3'), '10.0.0.0', '255.0.0.0')
      ? 'PROXY proxy.corp:8080; SOCKS5 a:1; DIRECT' : 'DIRECT';
  }`);
  const { code, stdout, stderr } = await runTunl(['pac', file, 'db.corp', '5432'], makeHome());
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.replace(/[\d.]+ ms/, 'N ms')).toBe(
    [
      `db.corp:5432: ${file} says "PROXY proxy.corp:8080; SOCKS5 a:1; DIRECT"`,
      '  1. http://proxy.corp:8080',
      '  2. socks5h://a:1',
      '  3. direct',
      'in N ms, one pass, with these calls:',
      '  isPlainHostName("db.corp") = false',
      '  dnsResolve("10.1.2.3") = "10.1.2.3"',
      '  isInNet("10.1.2.3", "10.0.0.0", "255.0.0.0") = true',
      '',
    ].join('\n'),
  );
});

test('pac prints one JSON object, and asks the server even if there is a copy', async () => {
  const web = await startWeb(writeAnswer(pac('DIRECT'), ['ETag: "one"']), 'HTTP/1.1 304 Not Modified\r\n\r\n');
  const words = ['pac', '--json', web.url.href, 'db.corp:443'];
  const env = makeHome();
  for (const _time of [1, 2]) {
    const { code, stdout, stderr } = await runTunl(words, env);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      target: 'db.corp:443',
      ways: ['direct'],
      reason: expect.stringMatching(/^db\.corp:443: http:\/\/127\.0\.0\.1:\d+\/proxy\.pac says "DIRECT"$/),
      result: 'DIRECT',
      calls: [],
      passes: 1,
      ms: expect.any(Number),
    });
  }
  expect(web.heads).toHaveLength(2);
});

test.each([
  [[], 'the URL of a PAC file is missing'],
  [['http://wpad/p'], 'the target is missing'],
  [['direct', 'db:22'], 'cannot be had'],
  [['pac+ftp://wpad/p', 'db:22'], 'unknown scheme'],
  [['pac+http://me:pw@wpad/p', 'db:22'], 'has a user'],
  [['pac+file://host/p', 'db:22'], 'names no file of this machine'],
  [['system?trust', 'db:22'], 'needs a value'],
  [['system?nothing=1', 'db:22'], 'unknown setting'],
  [['system?trust=*', 'db:22'], 'is not a list of hosts'],
])('pac %j fails with a sentence', async (words, message) => {
  const { code, stderr } = await runTunl(['pac', ...words], { ...makeHome(), PATH: makeTempFolder() });
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('pw');
});

function readFirst(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(port, '127.0.0.1');
    socket.once('error', reject).once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
  });
}
