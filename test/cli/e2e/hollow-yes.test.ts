import { connect as connectTo } from 'node:net';
import { expect, test } from 'vitest';
import { answerWith, openThen } from '../../support/peers/scripted-proxy.ts';
import { type Behaviour, echo, listenOnly, resetAfter, startTarget, type Target } from '../../support/targets/plain.ts';
import { type Ended, runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const end: Behaviour = (socket) => void socket.resume().end();
const empty = 'the target ended without a byte; some proxies answer 200 before they have tried';
const place = ({ port }: Target) => `db:22 via http://127.0.0.1:${port}`;
const through = ({ port }: Target, ...words: string[]) => ['-x', `127.0.0.1:${port}`, ...words];

/** Runs connect with an stdin that stays open; `first` is written at once. */
async function connect(proxy: Target, first = '', ...words: string[]): Promise<Ended> {
  const { child, ended, waitFor } = startTunl(['connect', ...words, '--linger', '1ms', ...through(proxy, 'db:22')]);
  if (first !== '') child.stdin?.write(first);
  if (words.length === 0) await waitFor(/tunl: /);
  return ended;
}

test('a yes that nothing follows is exit 56, with one warning while stdin is still open', async () => {
  const proxy = await startTarget(openThen('', end));
  expect(await connect(proxy)).toMatchObject({ code: 56, stdout: '', stderr: `tunl: ${empty} (${place(proxy)})\n` });
  expect(await connect(proxy, '', '-q')).toMatchObject({ code: 56, stderr: `tunl: ${empty} (db:22)\n` });
});

test('a yes that nothing follows says in JSON what it comes to', async () => {
  const proxy = await startTarget(openThen('', end));
  const { code, stderr } = await connect(proxy, '', '--json');
  const events = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(code).toBe(56);
  expect(events.filter(({ event }) => event === 'notice')).toEqual([
    expect.objectContaining({ level: 'warning', message: `${empty} (${place(proxy)})` }),
  ]);
  expect(events.at(-1)).toMatchObject({ event: 'error', code: 'tunnel_truncated', exit: 56 });
});

test('where stdin had ended, or a byte came, an end is in good order', async () => {
  const silent = await startTarget(openThen('', (socket) => void socket.resume().once('end', () => socket.end())));
  // The end of our half ended the tunnel, and the only message says so.
  expect(await runTunl(['connect', ...through(silent, 'db:22')])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^tunl: the tunnel ended as soon as .* was told that our bytes have ended: .*\n$/),
  });
  const greeting = await startTarget(openThen('x', end));
  const { child, ended } = startTunl(['connect', '--linger', '1ms', ...through(greeting, 'db:22')]);
  expect(await ended).toMatchObject({ code: 0, stdout: 'x', stderr: '' });
  child.stdin?.end();
});

test('a target that is reached without a proxy may end as it likes: nobody said yes before it', async () => {
  const target = await startTarget(end);
  const { ended } = startTunl(['connect', '--linger', '1ms', '--direct', `127.0.0.1:${target.port}`]);
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

test('forward warns of it once, however many clients come within a minute', async () => {
  const proxy = await startTarget(openThen('', end));
  const forward = startTunl(['forward', ':db:22', ...through(proxy)]);
  const [, port] = await forward.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  for (let left = 3; left > 0; left--) expect(await visit(Number(port))).toBe('');
  forward.child.kill('SIGTERM');
  const { stderr } = await forward.ended;
  expect(stderr.split('\n').filter((line) => line.includes('without a byte'))).toEqual([
    `tunl: ${empty} (${place(proxy)})`,
  ]);
});

test.each([
  [
    'an answer in HTTP',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'begins with an answer in HTTP',
    'HTTP/1.1 400 Bad Request',
  ],
  ['a page', '<!DOCTYPE html>\n<p>', 'begins with a page', '<!DOCTYPE html>'],
])(
  '%s to what was no request is passed on with a warning, and to a request without one',
  async (_, said, how, line) => {
    const answer: Behaviour = (socket) => void socket.once('data', () => socket.end(said));
    const proxy = await startTarget((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n', () => answer(socket)));
    });
    const run = (first: string) => {
      const { child, ended } = startTunl(['connect', ...through(proxy, 'db:22')]);
      child.stdin?.end(first);
      return ended;
    };
    expect(await run('SSH-2.0-x\r\n')).toMatchObject({
      code: 0,
      stdout: said,
      stderr: `tunl: the tunnel ${how} to what was no request: "${line}" (${place(proxy)})\n`,
    });
    expect(await run('GET / HTTP/1.1\r\nHost: db\r\n\r\n')).toMatchObject({ code: 0, stdout: said, stderr: '' });
  },
);

test('a web server that answers CONNECT with its page is said to, with its status line', async () => {
  const page = '<html>welcome</html>';
  const proxy = await startTarget(answerWith(`HTTP/1.1 200 Fine\r\nContent-Length: ${page.length}\r\n\r\n${page}`));
  const { child, ended } = startTunl(['connect', '--linger', '1ms', ...through(proxy, 'db:22')]);
  const { code, stdout, stderr } = await ended;
  child.stdin?.end();
  expect([code, stdout]).toEqual([0, page]);
  expect(stderr).toBe(
    `tunl: 127.0.0.1:${proxy.port} answered CONNECT db:22 with "HTTP/1.1 200 Fine" and the length of a page, as web servers do\n`,
  );
});

test.each<[string, Behaviour, number, RegExp | '']>([
  ['silence', listenOnly, 0, ''],
  ['bytes', (socket) => void socket.write('SSH-2.0-x\r\n'), 0, ''],
  ['bytes and an end', (socket) => void socket.end('220 mail\r\n'), 0, ''],
  [
    'an end',
    end,
    56,
    /^tunl: the target ended without a byte; some proxies answer 200 before they have tried \(db:22\)\n/,
  ],
  ['a reset', resetAfter(0), 56, /^tunl: the target reset the tunnel without a byte; /],
  [
    'an answer in HTTP',
    (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    97,
    /^tunl: the tunnel to db:22 begins with what a web server says, and nothing was asked: "HTTP\/1\.1 400 Bad Request"\n/,
  ],
])('--check takes %s behind a yes for what it is', async (_, act, exit, words) => {
  const proxy = await startTarget(openThen('', act));
  for (const command of [
    ['connect', '--check', ...through(proxy, 'db:22')],
    ['forward', '--check', ':db:22', ...through(proxy), '--', 'true'],
  ]) {
    const isRun = command[0] === 'forward';
    const { code, stderr } = await runTunl(command);
    expect(code, stderr).toBe(exit !== 0 && isRun ? 125 : exit);
    if (!isRun) expect(stderr).toMatch(words);
  }
});

test('--check waits for the first words of a target that is reached without a proxy as long as it did', async () => {
  const target = await startTarget(echo);
  expect(await runTunl(['connect', '--check', `127.0.0.1:${target.port}`])).toMatchObject({ code: 0, stderr: '' });
});

function visit(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.once('end', () => {
      socket.end();
      resolve(text);
    });
    socket.once('error', reject);
  });
}
