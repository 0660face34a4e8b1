import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTunl } from '../../support/harness/tunl-process.ts';
import { startHttp2Origin } from '../../support/peers/h2-origin.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** A chain whose file can be written anew. */
async function startChain(text: string) {
  const path = join(makeTempFolder(), 'chain.yaml');
  writeFileSync(path, text);
  const { child, waitFor } = startTunl(['chain', '-c', path]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, port] = await waitFor(/(?:forwarding|serving) 127\.0\.0\.1:(\d+)/);
  let reloads = 0;
  const reload = async (next: string) => {
    writeFileSync(path, next);
    child.kill('SIGHUP');
    await waitFor(new RegExp(`(?:was read again[^]*?){${++reloads}}$`));
  };
  return { port: Number(port), reload };
}

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket.setEncoding('utf8');
}

async function ask(socket: Socket, word: string): Promise<unknown> {
  const answer = Promise.race([once(socket, 'data'), once(socket, 'close')]);
  socket.write(word);
  return (await answer)[0] as unknown;
}

/** A proxy over HTTP/2 in cleartext that echoes in its tunnels, and notes a field of each request. */
async function startProxy() {
  const teams: unknown[] = [];
  const proxy = await startHttp2Origin((stream, headers) => {
    teams.push(headers['x-team']);
    stream.respond({ ':status': 200 });
    if (headers[':method'] === 'CONNECT') stream.pipe(stream);
    else stream.end('answer');
  });
  return { proxy, teams };
}

test('the sessions with a hop outlive a reload that changes its header fields, and new tunnels have the new fields', async () => {
  const { proxy, teams } = await startProxy();
  const write = (team: string, settings = '') =>
    `stages: { in: { listen: 0, to: 'db:1', via: { url: 'h2c://127.0.0.1:${proxy.port}${settings}', headers: { X-Team: ${team} } } } }\n`;
  const chain = await startChain(write('one'));
  const old = open(chain.port);
  expect(await ask(old, 'a')).toBe('a');
  for (const team of ['two', 'three']) {
    await chain.reload(write(team));
    expect(await ask(open(chain.port), 'b')).toBe('b');
  }
  expect([proxy.accepted, teams]).toEqual([1, ['one', 'two', 'three']]);
  // The window of a session is settled when it begins.
  await chain.reload(write('three', '?window=100000'));
  expect(await ask(open(chain.port), 'c')).toBe('c');
  expect([proxy.accepted, teams.at(-1)]).toEqual([2, 'three']);
  expect(await ask(old, 'd')).toBe('d');
});

test('a hop that is no longer named takes its sessions with it', async () => {
  const [first, second] = [await startProxy(), await startProxy()];
  const write = ({ proxy }: typeof first) =>
    `stages: { in: { listen: 0, to: 'db:1', via: 'h2c://127.0.0.1:${proxy.port}' } }\n`;
  const chain = await startChain(write(first));
  for (const { reload, text } of [
    { reload: false, text: '' },
    { reload: true, text: write(second) },
    { reload: true, text: write(first) },
  ]) {
    if (reload) await chain.reload(text);
    expect(await ask(open(chain.port), 'a')).toBe('a');
  }
  expect([first.proxy.accepted, second.proxy.accepted]).toEqual([2, 1]);
});

test('the connections to an upstream outlive a reload that changes the routes of requests', async () => {
  const { proxy, teams } = await startProxy();
  const write = (team: string) => `stages:
  web:
    listen: 0
    http:
      routes: [{ prefix: /, to: main, request-headers: { set: { X-Team: ${team} } } }]
      upstreams: { main: { to: '127.0.0.1:${proxy.port}', http2: true } }
`;
  const chain = await startChain(write('one'));
  const get = () => ask(open(chain.port), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await get()).toMatch(/^HTTP\/1\.1 200 /);
  await chain.reload(write('two'));
  expect(await get()).toMatch(/^HTTP\/1\.1 200 /);
  expect([proxy.accepted, teams]).toEqual([1, ['one', 'two']]);
});
