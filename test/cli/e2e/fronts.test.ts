import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, expect, test } from 'vitest';
import { makeScript } from '../../support/harness/scripts.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { socks } from '../../support/peers/socks-client.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { readEvents } from '../../support/event-schema.ts';
import { writeTempFile } from '../../support/temp.ts';

/** Asks the front in `http_proxy` for a tunnel to the port in its first argument, and prints the status and an echo. */
const connectScript = `
import { connect } from 'node:net';
const [port] = process.argv.slice(-1);
const { username, password, hostname, port: at } = new URL(process.env.http_proxy);
const basic = Buffer.from(username + ':' + decodeURIComponent(password)).toString('base64');
const socket = connect(at, hostname);
socket.write('CONNECT 127.0.0.1:' + port + ' HTTP/1.1\\r\\nHost: a\\r\\nProxy-Authorization: Basic ' + basic + '\\r\\n\\r\\n');
let text = '';
socket.on('data', (chunk) => {
  text += chunk;
  if (text.endsWith('\\r\\n\\r\\n')) socket.end('through');
}).on('end', () => console.log(text.split(' ')[1], text.split('\\r\\n\\r\\n')[1]));
`;

/** Prints its environment as JSON. */
const envScript = 'console.log(JSON.stringify(process.env));';

test('a command reaches everything through a front that nobody else is told the password of', async () => {
  const target = await startTarget(echo);
  const { code, stdout, stderr } = await runTunl(
    ['forward', 'http:', '--direct', '--', ...makeScript(connectScript, String(target.port))],
    { http_proxy: 'http://old:1', NO_PROXY: 'localhost' },
  );
  expect([code, stdout]).toEqual([0, '200 through\n']);
  expect(stderr).toMatch(/^tunl: serving http:127\.0\.0\.1:\d+\n$/);
});

test('a front of a command refuses everybody else', async () => {
  const wait = makeScript(
    'console.log(process.env.all_proxy); process.stdin.resume().on("end", () => process.exit(0));',
  );
  const { child, ended, waitFor } = startTunl(['forward', 'any:', '--direct', '--', ...wait]);
  const [, port = ''] = await waitFor(/serving any:127\.0\.0\.1:(\d+)/);
  const http = await connectPeer(Number(port));
  http.send('CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await http.readHead()).toMatch(/^HTTP\/1\.1 407 /);
  const other = await connectPeer(Number(port));
  other.send(socks.greet(0));
  expect(await other.readToEnd()).toEqual(Buffer.of(5, 0xff));
  child.stdin?.end();
  const { stdout, stderr, code } = await ended;
  const { username, password } = new URL(stdout.trim());
  expect(code).toBe(0);
  expect(password).toHaveLength(24);
  expect(stderr).not.toContain(username);
  expect(stderr).not.toContain(password);
});

test('--user and --open say who else may use it', async () => {
  const named = await runTunl(['forward', 'socks:', '--direct', '--user', 'a', '--', ...makeScript(envScript)], {
    TUNL_SERVE_PASSWORD: 'b c',
  });
  const env = JSON.parse(named.stdout) as Record<string, string>;
  expect(env['all_proxy']).toMatch(/^socks5h:\/\/a:b%20c@127\.0\.0\.1:\d+$/);
  expect(env['TUNL_SERVE_PASSWORD']).toBeUndefined();
  const open = await runTunl(['forward', 'socks:', '--direct', '--open', '--', ...makeScript(envScript)]);
  expect((JSON.parse(open.stdout) as Record<string, string>)['all_proxy']).toMatch(/^socks5h:\/\/127\.0\.0\.1:\d+$/);
});

/** Starts a proxy that notes what it is asked for, with its name, and refuses it. */
async function startRefusing(name: string, asked: string[]): Promise<string> {
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(`${name} ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

/** Asks a SOCKS front for a tunnel that a proxy refuses. */
async function askRefused(port: number, host: string): Promise<void> {
  const client = await connectPeer(port);
  client.send(Buffer.concat([socks.greet(0), socks.ask5(host, 5432)]));
  client.fin();
  const answer = await client.readToEnd();
  expect(answer[3]).toBe(2);
}

test('the environment names the proxy of a front, which passes names on', async () => {
  const asked: string[] = [];
  const { child, ended, waitFor } = startTunl(['forward', 'socks:', '--json'], {
    https_proxy: await startRefusing('environment', asked),
    NO_PROXY: '.inside',
  });
  const [, port = ''] = await waitFor(/"port":(\d+)/);
  await askRefused(Number(port), 'db.inside');
  child.kill('SIGTERM');
  const events = readEvents((await ended).stderr);
  expect(events.find(({ event }) => event === 'listening')).toMatchObject({ front: 'socks', role: 'serve' });
  expect(events.find(({ event }) => event === 'tunnel.failed')).toMatchObject({
    target: 'db.inside:5432',
    code: 'hop_refused',
  });
  expect(asked).toEqual(['environment db.inside:5432']);
});

test.each([
  { words: ['socks:'], https_proxy: true, ways: ['work', 'environment'] },
  { words: ['socks:'], https_proxy: false, ways: ['work', 'defaults'] },
  { words: ['socks:', '-x', '@flag'], https_proxy: true, ways: ['flag', 'flag'] },
  { words: ['@own'], https_proxy: true, ways: ['own', 'own'] },
  { words: ['socks:', '--no-config'], https_proxy: true, ways: ['environment', 'environment'] },
])('match of the configuration gives targets of clients a way: $words, https_proxy $https_proxy', async (row) => {
  const asked: string[] = [];
  const [work, own, flag, defaults, environment] = await Promise.all(
    ['work', 'own', 'flag', 'defaults', 'environment'].map((name) => startRefusing(name, asked)),
  );
  const config = { proxies: { work, flag }, forwards: { own: { spec: 'socks:', proxy: own } } };
  const rules = { match: { '*.Inside': '@work' }, defaults: { proxy: defaults } };
  const path = writeTempFile('config.yaml', JSON.stringify({ ...config, ...rules }));
  chmodSync(path, 0o600);
  const { child, ended, waitFor } = startTunl(['forward', '-v', ...row.words], {
    TUNL_CONFIG: path,
    ...(row.https_proxy && environment !== undefined && { https_proxy: environment }),
  });
  const [, port = ''] = await waitFor(/serving socks:127\.0\.0\.1:(\d+)/);
  await askRefused(Number(port), 'db.inside');
  await askRefused(Number(port), 'db.outside');
  child.kill('SIGTERM');
  const { stderr } = await ended;
  expect(asked).toEqual([`${row.ways[0]} db.inside:5432`, `${row.ways[1]} db.outside:5432`]);
  const said = `tunl: db.inside:5432: match *.Inside says @work (${path}:1:`;
  expect(stderr.includes(said)).toBe(row.ways[0] === 'work');
});

test.each([
  [['socks:0.0.0.0:0'], /^tunl: refusing to serve 0\.0\.0\.0:0 without authentication\n/],
  [['any:*:0'], /^tunl: refusing to serve \*:0 without authentication\n/],
  [['http:', '--check'], /^tunl: --check dials targets, and the clients of a front name theirs later\n/],
  [[':db:5432', '--user', 'a'], /^tunl: --user is for fronts, and no SPEC is one\n/],
  [['socks:unix:/tmp/no-such', '--', 'true'], /^tunl: socks:unix:\/tmp\/no-such cannot be told to a command: /],
  [['socks:', '--export', 'envoy'], /^tunl: cannot export to Envoy: forward-1: it has no front for programs/],
])('forward %j is refused', async (words, message) => {
  const { code, stderr } = await runTunl(['forward', '--direct', ...words]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

test('serve and the line of chain name the commands that have fronts', async () => {
  for (const words of [
    ['serve', 'socks:1080'],
    ['chain', 'any:1080', 'db:5432'],
  ]) {
    const { code, stderr } = await runTunl(words);
    expect([code, stderr.split('\n', 1)]).toEqual([2, [`tunl: "${words[1]}" begins with the kind of a front`]]);
  }
});
