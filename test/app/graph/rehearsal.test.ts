import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { makeTempFolder } from '../../support/temp.ts';

async function check(folder: string, ...lines: readonly string[]) {
  const path = join(folder, 'chain.yaml');
  writeFileSync(path, `${lines.join('\n')}\n`);
  const io = makeIo();
  const status = await run(['chain', '-c', path, '--check'], io);
  const lineOf = (what: string) =>
    io
      .out()
      .split('\n')
      .filter((line) => line.startsWith(`${what} `))
      .map((line) => line.replace(/ +/g, ' '));
  return { status, said: io.said().replaceAll(folder, '.'), listen: lineOf('listen'), resolve: lineOf('resolve') };
}

/** Listens on a free port, until the test is over. */
async function occupy(): Promise<{ readonly port: number; readonly free: () => Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { port, free: () => once(server.close(), 'close') };
}

test('what can be listened on is said, and nothing stays open', async () => {
  const { port, free } = await occupy();
  await free();
  const folder = makeTempFolder();
  const socket = join(folder, 'a.sock');
  const lines = [
    `admin: 127.0.0.1:0`,
    'stages:',
    `  a: { listen: ["127.0.0.1:${port}", "unix:${socket}", "internal://a"], to: '127.0.0.1:9' }`,
  ];
  for (let run = 0; run < 2; run++) {
    expect(await check(folder, ...lines)).toEqual({
      status: 0,
      said: '',
      listen: [
        `listen 127.0.0.1:${port} can be opened`,
        `listen unix:${socket} can be opened`,
        'listen 127.0.0.1:0 can be opened',
      ],
      resolve: [],
    });
  }
  expect(existsSync(socket)).toBe(false);
});

test('an address in use is only remarked: the stages may run already', async () => {
  const { port } = await occupy();
  const { status, said, listen } = await check(
    makeTempFolder(),
    'stages:',
    `  a: { listen: 127.0.0.1:${port}, to: '127.0.0.1:9' }`,
  );
  expect([status, said]).toEqual([0, '']);
  expect(listen).toEqual([`listen 127.0.0.1:${port} is in use, which is right if these stages run already`]);
});

test('who connects while an address is tried is turned away at once', async () => {
  const folder = makeTempFolder();
  const { port, free } = await occupy();
  await free();
  const met: Promise<unknown>[] = [];
  // Each address in use takes a few turns of the event loop, in which the first one accepts.
  const places = Array.from({ length: 20 }, (_, index) => join(folder, `${index}.sock`));
  for (const place of places) {
    const server = createServer(() => void (met.length === 0 && met.push(meet(port)))).listen(place);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
  }
  const listen = [`127.0.0.1:${port}`, ...places.map((place) => `unix:${place}`)].map((place) => `"${place}"`);
  const { status } = await check(folder, 'stages:', `  a: { listen: [${listen.join(', ')}], to: '127.0.0.1:9' }`);
  expect(status).toBe(0);
  expect(met.length).toBe(1);
  expect(await met[0]).toBe('ECONNRESET');
});

/** Connects, and waits until that is over; gives the code of the failure. */
async function meet(port: number): Promise<unknown> {
  const client = connect({ port, host: '127.0.0.1' }).resume();
  onTestFinished(() => void client.destroy());
  const failure = once(client, 'close').catch((error: unknown) => (error as NodeJS.ErrnoException).code);
  return (await failure) as unknown;
}

test('an address that cannot be listened on is a failure with its place', async () => {
  const { status, said } = await check(
    makeTempFolder(),
    'stages:',
    '  a:',
    "    listen: ['127.0.0.1:0', 'unix:/no/such/a.sock']",
    '    to: db:1',
  );
  expect(status).toBe(98);
  expect(said).toMatch(
    /^tunl: \.\/chain\.yaml:3:13: stage a cannot listen on unix:\/no\/such\/a\.sock: there is no such folder\n/,
  );
});

test('the names that stages dial themselves are resolved, each once; a name without an address is a warning', async () => {
  const { status, said, resolve } = await check(
    makeTempFolder(),
    'defaults: { limits: { dns: 5s } }',
    'stages:',
    '  a: { listen: 0, to: db.far:1, via: http://proxy.localhost:3128 }',
    '  b: { listen: 0, to: proxy.localhost:1 }',
    '  c: { listen: 0, to: db.far:1, via: internal://d }',
    '  d: { listen: internal://d, to: 127.0.0.1:1 }',
    '  e:',
    '    listen: 0',
    '    to: db.invalid:1',
  );
  expect(status).toBe(0);
  expect(resolve).toEqual(['resolve proxy.localhost 127.0.0.1, ::1', 'resolve db.invalid has no address now']);
  expect(said).toMatch(/^tunl: \.\/chain\.yaml:7:3: (?:cannot resolve )?db\.invalid[^\n]*\n$/);
});
