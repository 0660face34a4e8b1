import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askAdmin } from '../../support/harness/admin.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { readEvents } from '../../support/event-schema.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl, type Tunl } from '../../support/harness/tunl-process.ts';

/** The announced ports: that of the first listener, and that of the admin address. */
async function readPorts({ waitFor }: Tunl): Promise<{ port: number; admin: number }> {
  const [, admin] = await waitFor(/tunl: admin 127\.0\.0\.1:(\d+)/);
  const [, port] = await waitFor(/(?:serving|forwarding) 127\.0\.0\.1:(\d+)/);
  return { port: Number(port), admin: Number(admin) };
}

test('serve and chain announce it, after the listeners and not in the port file', async () => {
  const file = join(makeTempFolder(), 'ports');
  const words = ['127.0.0.1:0', '--admin', '0', '--port-file', file, '--json'];
  for (const command of [['serve'], ['chain', 'db:22']]) {
    const [name = '', ...target] = command;
    const tunl = startTunl([name, ...words.slice(0, 1), ...target, ...words.slice(1)]);
    const [, admin = ''] = await tunl.waitFor(/"role":"admin","address":"127\.0\.0\.1:(\d+)"/);
    expect(readFileSync(file, 'utf8').split('\n')).toEqual([expect.stringMatching(/^\d+$/), '']);
    expect(readFileSync(file, 'utf8')).not.toContain(admin);
    expect((await askAdmin(Number(admin), '/ready')).body).toBe('LIVE\n');
    tunl.child.kill('SIGTERM');
    const { code, stderr } = await tunl.ended;
    expect(code).toBe(0);
    const roles = readEvents(stderr).flatMap(({ event, role }) => (event === 'listening' ? [role] : []));
    expect(roles).toEqual([name === 'serve' ? 'serve' : 'forward', 'admin']);
  }
});

test.each([
  [['serve', '0', '--admin', '*:0'], 'refusing to open the admin address on *:0'],
  [['serve', '0', '--admin', '0.0.0.0:0'], 'refusing to open the admin address on 0.0.0.0:0'],
  [['serve', '0', '--admin-open'], '--admin-open needs --admin'],
  [['serve', '127.0.0.1:9901', '--admin', '9901'], '"127.0.0.1:9901" is given twice as an address to listen on'],
  [['serve', '0', '--admin', 'x'], '"x"'],
  [['chain', '0', '127.0.0.1:9901', '--admin', '9901'], '127.0.0.1:9901 is the admin address'],
  [['chain', '0', 'http://localhost:9901', 'db:22', '--admin', '9901'], 'localhost:9901 is the admin address'],
  [['chain', '0', '127.0.0.1:9901', '--admin', '9901', '--check'], '127.0.0.1:9901 is the admin address'],
])('%j is refused, and nothing listens', async (words, message) => {
  const { code, stderr } = await runTunl(words);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/serving|forwarding/);
});

test('a file says it too, the command line wins, and what is wrong has its place', async () => {
  const path = join(makeTempFolder(), 'chain.yaml');
  writeFileSync(path, 'admin: "0.0.0.0:0"\nstages:\n  a: { listen: 0, to: b:1 }\n');
  expect((await runTunl(['chain', '-c', path])).code).toBe(2);
  const tunl = startTunl(['chain', '-c', path, '--admin', '0']);
  const { admin } = await readPorts(tunl);
  expect((await askAdmin(admin, '/ready')).status).toBe(200);
  writeFileSync(path, 'admin: 9901\nstages:\n  a: { listen: 0, to: "127.0.0.1:9901" }\n');
  expect((await runTunl(['chain', '-c', path, '--check'])).stderr).toContain(
    `${path}:3:3: 127.0.0.1:9901 is the admin`,
  );
  tunl.child.kill('SIGTERM');
  await tunl.ended;
});

test('a reload by SIGHUP keeps it, and moves it where the file says so', async () => {
  const folder = makeTempFolder();
  const path = join(folder, 'chain.yaml');
  const write = (admin: string) => writeFileSync(path, `admin: ${admin}\nstages:\n  a: { listen: 0, to: b:1 }\n`);
  write('0');
  const tunl = startTunl(['chain', '-c', path]);
  const { admin } = await readPorts(tunl);
  tunl.child.kill('SIGHUP');
  await tunl.waitFor(/was read again/);
  expect((await askAdmin(admin, '/ready')).status).toBe(200);
  write('unix:admin.sock');
  tunl.child.kill('SIGHUP');
  await tunl.waitFor(/admin unix:.*admin\.sock[^]*was read again/);
  expect((await askAdmin(join(folder, 'admin.sock'), '/ready')).status).toBe(200);
  await expect(askAdmin(admin, '/ready')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).code).toBe(0);
});

test('an order to quit ends it with 0, tunnels and all', async () => {
  const target = await startTarget(echo);
  const tunl = startTunl(['chain', '0', `127.0.0.1:${target.port}`, '--admin', '0']);
  const { port, admin } = await readPorts(tunl);
  const client = await connectPeer(port);
  client.send('a');
  await client.read(1);
  expect((await askAdmin(admin, '/quitquitquit', { method: 'POST' })).body).toBe('OK\n');
  expect(await client.waitForEnd()).toBe('reset');
  expect(await tunl.ended).toMatchObject({ code: 0, signal: null });
});

test('how much is said can be changed while it runs', async () => {
  const target = await startTarget(echo);
  const tunl = startTunl(['chain', '0', `127.0.0.1:${target.port}`, '--admin', '0']);
  const { port, admin } = await readPorts(tunl);
  const level = async (name: string) => (await askAdmin(admin, `/logging?level=${name}`, { method: 'POST' })).body;
  expect(await level('')).toBe('active loggers:\n  tunl: info\n');
  expect(await level('debug')).toBe('active loggers:\n  tunl: debug\n');
  const client = await connectPeer(port);
  await tunl.waitFor(/opened/);
  client.reset();
  expect(await level('off')).toBe('active loggers:\n  tunl: error\n');
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).stderr).not.toContain('stopping');
});

const password = 'Tr0ub4dor &3/%';
const needles = [password, encodeURIComponent(password), 'Tr0ub4dor', Buffer.from(`me:${password}`).toString('base64')];

test('no path of it gives a secret away', async () => {
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  const silent = await startTarget();
  const folder = makeTempFolder();
  const path = join(folder, 'chain.yaml');
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, `${password}\n`);
  const lines = [
    'admin: 0',
    'stages:',
    `  a: { listen: 0, to: db:1, via: "http://me:\${SECRET}@127.0.0.1:${silent.port}" }`,
    '  b:',
    '    listen: 0',
    '    to: db:2',
    '    via:',
    `      url: http://me@127.0.0.1:${silent.port}`,
    '      password: file:secret',
    `      headers: { X-Key: "\${SECRET}", Cookie: file:secret }`,
    '  c: { listen: 0, proxy: { users: { me: "${SECRET}" } } }',
    `  d: { listen: 0, to: db:3, tls: { cert: ${certs.server.cert}, key: ${certs.server.key} } }`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  const tunl = startTunl(['chain', '-c', path, '-vv'], { SECRET: password });
  const { port, admin } = await readPorts(tunl);
  const client = await connectPeer(port);
  await silent.accept();
  const help = (await askAdmin(admin, '/help')).body;
  const paths = [...help.matchAll(/^ {2}(\/\S*?)(?::| \((?!POST|DELETE))/gm)].map(([, found = '']) => found);
  expect(paths).toEqual(
    expect.arrayContaining(['/', '/config_dump', '/graph', '/tunnels', '/stats/prometheus', '/certs']),
  );
  for (const asked of [
    ...paths.map((each) => (each === '/events' ? '/events?once' : each)),
    '/tunnels?format=text',
    '/clusters?format=json',
    '/nowhere',
  ]) {
    const { body, status } = await askAdmin(admin, asked);
    expect([asked, status]).toEqual([asked, asked === '/nowhere' ? 404 : 200]);
    for (const needle of [...needles, certs.server.keyPem]) expect(body, asked).not.toContain(needle);
  }
  const dump = (await askAdmin(admin, '/config_dump')).body;
  expect(dump).toContain('X-Key');
  expect(dump).toContain('"me"');
  client.reset();
  tunl.child.kill('SIGTERM');
  await tunl.ended;
});
