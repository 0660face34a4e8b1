import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import type { Target } from '../support/targets/plain.ts';
import { startSquid } from './parts/squid.ts';
import { startSshd } from './parts/sshd.ts';
import { startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { ssh } from './support/ssh.ts';
import { formatTunlProxyCommand, startTunl, startTunlServe } from './support/tunl.ts';
import { expectBytes, expectHalves, expectResets, makeWay } from './support/way.ts';

const bulkBytes = amount(10_000_000, 200_000_000);

/** A squid that knows nothing but pages: it forwards GET and POST, and forbids CONNECT. */
const pagesOnly = `acl pages method GET POST
http_access allow pages
http_access deny all`;

/** Something between both ends, and the hops that lead through it. */
interface Between {
  readonly name: string;
  readonly start: (serverPort: number) => Promise<Part>;
  readonly hops: (part: Part, serverPort: number) => readonly string[];
}

const ways: readonly Between[] = [
  {
    name: 'squid that denies CONNECT',
    start: () => startSquid({ rules: pagesOnly }),
    hops: (part, serverPort) => [`http://127.0.0.1:${part.port}`, `poll+http://127.0.0.1:${serverPort}`],
  },
  {
    name: 'nginx that keeps requests and answers until they are whole',
    start: (serverPort) => startNginx(serverPort),
    hops: (part) => [`poll+http://127.0.0.1:${part.port}`],
  },
];

/** Starts `forward` to a target, through something and `serve --poll` behind it. */
async function startWay({ start, hops }: Between, target: Target) {
  const serve = await startTunlServe(['--poll']);
  const part = await start(serve.port);
  const words = hops(part, serve.port).flatMap((hop) => ['-x', hop]);
  const forward = await startTunl(['forward', ...words, `:127.0.0.1:${target.port}`]);
  return makeWay(forward, part, serve);
}

describe.each(ways)('through $name', (between) => {
  const toTarget = (target: Target) => startWay(between, target);

  test('both sides receive what the other sends, byte for byte', { timeout: amount(60_000, 600_000) }, () =>
    expectBytes(toTarget, bulkBytes),
  );

  test('each half ends by itself', () => expectHalves(toTarget));

  test('resets arrive as resets', () => expectResets(toTarget));
});

test('ssh goes through a squid that denies CONNECT', async () => {
  const [sshd, serve, squid] = [
    await startSshd(),
    await startTunlServe(['--poll']),
    await startSquid({ rules: pagesOnly }),
  ];
  onTestFinished(async () => {
    for (const part of [squid, serve, sshd]) await part.stop();
  });
  const proxy = `http://127.0.0.1:${squid.port}`;
  const through = (scheme: string) =>
    ssh(sshd, { proxyCommand: formatTunlProxyCommand([proxy, `${scheme}://127.0.0.1:${serve.port}`]) }, 'echo hello');
  expect((await through('http')).code).not.toBe(0);
  const result = await through('poll+http');
  expect([result.code, result.stdout, result.stderr]).toEqual([0, 'hello\n', '']);
});
