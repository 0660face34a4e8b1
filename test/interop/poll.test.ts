import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, startTarget, type Target } from '../support/targets/plain.ts';
import { startSquid } from './parts/squid.ts';
import { startSshd } from './parts/sshd.ts';
import { startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { ssh } from './support/ssh.ts';
import { formatTunlProxyCommand, startTunl, startTunlServe } from './support/tunl.ts';
import { openTunnel } from './support/tunnels.ts';

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
    start: startNginx,
    hops: (part) => [`poll+http://127.0.0.1:${part.port}`],
  },
];

/** Starts `forward` to a target, through something and `serve --poll` behind it. */
async function startWay({ start, hops }: Between, target: Pick<Target, 'port'>) {
  const serve = await startTunlServe(['--poll']);
  const part = await start(serve.port);
  const words = hops(part, serve.port).flatMap((hop) => ['-x', hop]);
  const forward = await startTunl(['forward', ...words, `:127.0.0.1:${target.port}`]);
  onTestFinished(async () => {
    for (const each of [forward, part, serve]) await each.stop();
  });
  return { port: forward.port, log: () => [forward, part, serve].map((each) => each.log()).join('\n') };
}

describe.each(ways)('through $name', (between) => {
  test('both sides receive what the other sends, byte for byte', { timeout: amount(60_000, 600_000) }, async () => {
    const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const [there, back] = [randomBytes(bulkBytes), randomBytes(bulkBytes)];
    const target = await startTarget(answerAtEnd((all) => hashOf(all)));
    const source = await startTarget((socket) => void socket.end(back));
    const way = await startWay(between, target);
    const up = await connectPeer(way.port);
    up.send(there);
    up.fin();
    expect((await up.readToEnd()).toString(), way.log()).toBe(hashOf(there));
    const other = await startWay(between, source);
    const down = await connectPeer(other.port);
    expect(hashOf(await down.readToEnd()), other.log()).toBe(hashOf(back));
  });

  test('each half ends by itself', async () => {
    const target = await startTarget();
    const way = await startWay(between, target);
    const ends = await openTunnel(way.port, target);
    ends.target.fin();
    expect(await ends.client.waitForEnd(), way.log()).toBe('fin');
    ends.client.send('still here');
    expect((await ends.target.read(10)).toString()).toBe('still here');
    ends.client.fin();
    expect(await ends.target.waitForEnd()).toBe('fin');
  });

  test('resets arrive as resets', async () => {
    const target = await startTarget();
    const way = await startWay(between, target);
    const first = await openTunnel(way.port, target);
    first.target.reset();
    expect(await first.client.waitForEnd(), way.log()).toBe('reset');
    const second = await openTunnel(way.port, target);
    second.client.reset();
    expect(await second.target.waitForEnd(), way.log()).toBe('reset');
  });
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
