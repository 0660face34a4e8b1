import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runTunl } from '../../support/harness/tunl-process.ts';

// A proxy that nobody may talk to: bad arguments end before anything is opened.
let server: Server;
let connections = 0;
let proxy = '';

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  proxy = typeof address === 'object' && address ? `http://alice:hunter2@127.0.0.1:${address.port}` : '';
});
afterAll(() => void server.close());

test.each([
  ['no command', ['--'], 'a command is missing'],
  ['an unknown command', ['conect', 'db:22'], 'unknown command "conect"'],
  ['an unknown option', ['connect', '--frob', 'db:22'], 'unknown option "--frob"'],
  ['no target', ['connect', '-x', 'PROXY'], 'the target is missing'],
  ['a target without a port', ['connect', '-x', 'PROXY', 'db'], 'the target "db" has no port'],
  ['a target with CR LF', ['connect', '-x', 'PROXY', 'db:22\r\nX: y'], 'an argument holds a control character'],
  ['a numeric name', ['connect', '-x', 'PROXY', '2130706433:80'], '"2130706433" is not a canonical IPv4 address'],
  ['an unknown scheme', ['connect', '-x', 'htp://p:1', '-x', 'PROXY', 'db:22'], 'unknown scheme: "htp"'],
  ['an unknown setting', ['connect', '-x', 'PROXY?cacrt=x', 'db:22'], 'unknown setting: "cacrt"'],
  ['an encoded CR LF', ['connect', '-x', 'PROXY?header=X:%0d%0aY', 'db:22'], 'encodes a control character'],
  ['a bad duration', ['connect', '-x', 'PROXY', '--linger', '5', 'db:22'], '--linger: "5" is not a duration'],
  [
    'a live table that nobody sees',
    ['forward', ':db:22', '-q', '--watch'],
    '--watch and --quiet contradict each other',
  ],
  ['a live table over a command', ['forward', ':db:22', '--watch', '--', 'true'], '--watch would draw over'],
  ['no CA file', ['connect', '-x', 'https://127.0.0.1:1?cacert=/nonexistent/ca', 'db:22'], '/nonexistent/ca'],
  ['a bad SPEC after a good one', ['forward', ':db:22', 'db:22', '-x', 'PROXY'], '"db:22" is not a complete SPEC'],
  ['a bad address', ['serve', '127.0.0.1:0', 'x:y'], '"x:y": "y" is not a port from 0 to 65535'],
  ['a bad rule', ['serve', '127.0.0.1:0', '--allow', '10.0.0.0/99'], '10.0.0.0/99'],
  ['no tunnel at all', ['serve', '127.0.0.1:0', '--max-tunnels', '0'], '--max-tunnels "0" is not a number from 1'],
  ['an open proxy by accident', ['serve', '0.0.0.0:0'], 'refusing to serve 0.0.0.0:0 without authentication'],
  [
    'no password file',
    ['serve', '127.0.0.1:0', '--user', 'a', '--user-password-file', '/nonexistent/pw'],
    '/nonexistent/pw',
  ],
  ['no htpasswd file', ['serve', '127.0.0.1:0', '--auth-file', '/nonexistent/users'], '/nonexistent/users'],
])('%s: exit 2, one line, hints, nothing printed, opened or given away', async (_what, words, message) => {
  const { code, stdout, stderr } = await runTunl(words.map((word) => word.replace('PROXY', proxy)));
  expect([code, stdout]).toEqual([2, '']);
  const [line = '', ...hints] = stderr.trimEnd().split('\n');
  expect(line).toMatch(/^tunl: /);
  expect(line).toContain(message);
  for (const hint of hints) expect(hint).toMatch(/^tunl: hint: \S/);
  expect(stderr).not.toMatch(/hunter2|\u001b|\bat .*\.js|Warning/);
  expect(connections).toBe(0);
});
