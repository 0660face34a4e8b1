import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { additions, describeRow, fillRow, likeCurl, type Row, type Way } from '../cli/options/environment-table.ts';
import { run } from './support/process.ts';

const ways = ['one', 'two', 'direct'] as const;
const ports = {} as Record<Way, number>;
/** The ways that curl has taken since the last look. */
let visited: Way[] = [];

beforeAll(async () => {
  const servers = await Promise.all(ways.map(listen));
  return () => servers.forEach((server) => server.close());
});

/** Plays a proxy or the target, which notes each connection and closes it. */
async function listen(way: Way): Promise<Server> {
  const server = createServer((socket) => {
    visited.push(way);
    socket.on('error', () => {}).destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ports[way] = (server.address() as AddressInfo).port;
  return server;
}

/** Asks curl where it goes for `https://TARGET`, whatever address the target has. */
async function askCurl(row: Row): Promise<Way[]> {
  visited = [];
  const env = fillRow(row, { one: `127.0.0.1:${ports.one}`, two: `127.0.0.1:${ports.two}` });
  const args = ['-q', '-s', '-m', '10', '--connect-to', `::127.0.0.1:${ports.direct}`, `https://${row.target}/`];
  await run({ file: 'curl', args, env });
  return visited;
}

const named = (rows: readonly Row[]) => rows.map((row) => [describeRow(row), row] as const);

describe('curl decides as the table says, which tunl is tested with', () => {
  test.each(named(likeCurl))('%s', async (_name, row) => {
    expect(await askCurl(row)).toEqual([row.way]);
  });
});

describe('curl does not know our additions', () => {
  test.each(named(additions))('%s', async (_name, row) => {
    const [way] = await askCurl(row);
    expect(ways).toContain(way);
    expect(way).not.toBe(row.way);
  });
});
