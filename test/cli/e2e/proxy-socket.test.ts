import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answerAtEnd, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

/** A proxy of ours on a socket; the pin is that of its certificate where it has one. */
async function startProxy(...options: string[]): Promise<{ readonly path: string; readonly pin: string }> {
  const path = join(makeTempFolder(), 'proxy.sock');
  const { child, ended, waitFor } = startTunl(['serve', ...options, `unix:${path}`]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const pin = options.includes('--tls') ? (await waitFor(/pin (sha256\/\S+)/))[1] : undefined;
  await waitFor(/serving unix:/);
  return { path, pin: pin ?? '' };
}

/** Starts a target that answers an empty question, and returns its port. */
async function startAnswer(): Promise<number> {
  return (await startTarget(answerAtEnd(() => 'an answer'))).port;
}

const encode = encodeURIComponent;

test.each<[string, string[], (proxy: { path: string; pin: string }) => string]>([
  ['unix:', [], ({ path }) => `unix:${path}`],
  ['http://', [], ({ path }) => `http://unix:${encode(path)}`],
  ['h2c://', [], ({ path }) => `h2c://unix:${path}`],
  ['post+http://', ['--post'], ({ path }) => `post+http://unix:${path}`],
  ['post+h2c://', ['--post'], ({ path }) => `post+h2c://unix:${path}`],
  ['https:// and a pin', ['--tls'], ({ path, pin }) => `https://unix:${path}?pin=${pin}`],
  ['h2:// and no check', ['--tls'], ({ path }) => `h2://unix:${path}?insecure`],
])('a proxy on a socket is gone through with %s', async (_scheme, options, toUrl) => {
  const proxy = await startProxy(...options);
  const port = await startAnswer();
  expect(await runTunl(['connect', '-x', toUrl(proxy), `127.0.0.1:${port}`])).toMatchObject({
    code: 0,
    stdout: 'an answer',
    stderr: '',
  });
});

test('the certificate of a proxy on a socket is checked for the name that is given', async () => {
  const { path } = await startProxy('--tls');
  const url = `https://unix:${path}?servername=proxy.example`;
  const { code, stderr } = await runTunl(['connect', '-x', url, 'db.example:1']);
  expect(stderr).toMatch(/^tunl: the certificate of proxy\.example is /);
  expect(code).toBe(60);
});

test('sockets are alternatives to each other', async () => {
  const { path } = await startProxy();
  const port = await startAnswer();
  const words = ['connect', '-x', `unix:${path}.gone|unix:${path}`, `127.0.0.1:${port}`];
  expect(await runTunl(words)).toMatchObject({ code: 0, stdout: 'an answer' });
});

test('the request names the target, and nothing of the socket', async () => {
  const path = join(makeTempFolder(), 'proxy.sock');
  const heads: string[] = [];
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', (head) => {
        heads.push(head.toString());
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      });
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  onTestFinished(() => void server.close());
  const { code, stderr } = await runTunl(['connect', '-x', `http://me:secret@unix:${path}`, 'db.example:5432']);
  expect(heads[0]).toMatch(/^CONNECT db\.example:5432 HTTP\/1\.1\r\nHost: db\.example:5432\r\n/);
  expect([code, stderr.split('\n')[0]]).toEqual([
    97,
    `tunl: unix:${path} refused CONNECT db.example:5432: 403 Forbidden`,
  ]);
});

test('a forward says through which socket it goes', async () => {
  const { path } = await startProxy();
  const { child, ended, waitFor } = startTunl(['forward', '-x', `unix:${path}`, ':db.example:1']);
  await waitFor(new RegExp(`^tunl: forwarding \\S+ -> db\\.example:1 via http://unix:${path}\\n`));
  child.kill('SIGTERM');
  await ended;
});

test.each<[string, string[], number, string]>([
  [
    'a socket that is not there',
    ['-x', 'unix:/nonexistent/proxy.sock'],
    7,
    'tunl: cannot connect to the proxy unix:/nonexistent/proxy.sock: there is no such socket',
  ],
  [
    'a socket behind another proxy',
    ['-x', 'http://127.0.0.1:1', '-x', 'h2c://unix:/run/p'],
    2,
    'tunl: h2c://unix:/run/p is a socket of this machine, and can only be first on the way',
  ],
  [
    'TLS on a socket without a name',
    ['-x', 'https://unix:/run/p'],
    2,
    'tunl: https://unix:/run/p has no name that its certificate could be for',
  ],
])('%s is said', async (_what, options, status, message) => {
  const { code, stderr } = await runTunl(['connect', ...options, 'db.example:1']);
  expect([code, stderr.split('\n')[0]]).toEqual([status, message]);
});
