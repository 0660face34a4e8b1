import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { greet, startTarget } from '../../support/targets/plain.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

/** Connects to this place, and returns the first bytes that arrive. */
async function hear(host: string, port: number): Promise<string> {
  const client = connect({ host, port });
  const [data] = (await once(client, 'data')) as [Buffer];
  client.destroy();
  return data.toString();
}

/** A program that has a port of ::1 for itself. */
async function occupyIpv6(): Promise<number> {
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a SPEC without a bind address is one line and one port, and is reached over both loopback addresses', async () => {
  const target = await startTarget(greet('hello'));
  const { child, ended } = startTunl(
    ['forward', '--json', '--ready-fd', '3', `:127.0.0.1:${target.port}`],
    {},
    {
      extra: ['pipe'],
    },
  );
  const address = (await text(child.stdio[3] as Readable)).trimEnd();
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  const port = Number(address.split(':')[1]);
  expect([await hear('127.0.0.1', port), await hear('::1', port)]).toEqual(['hello', 'hello']);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; address?: string });
  expect(events.filter(({ event }) => event === 'listening').map((event) => event.address)).toEqual([address]);
});

test('a command is told 127.0.0.1', async () => {
  const print = 'process.stdout.write(`${process.env.TUNL_ADDR} ${process.argv[1]}`)';
  const { stdout } = await runTunl(['forward', ':127.0.0.1:1', '--', process.execPath, '-e', print, '{host}:{port}']);
  expect(stdout).toMatch(/^(127\.0\.0\.1:\d+) \1$/);
});

test('a port that another program has on ::1 is exit 98, and with 127.0.0.1 written it does not matter', async () => {
  const port = await occupyIpv6();
  const { code, stderr } = await runTunl(['forward', `${port}:127.0.0.1:1`]);
  expect([code, stderr]).toEqual([
    98,
    `tunl: cannot listen on [::1]:${port}: the address is in use\n` +
      'tunl: hint: localhost is 127.0.0.1 and ::1; write 127.0.0.1 to listen there alone\n',
  ]);
  const { child, ended, waitFor } = startTunl(['forward', `127.0.0.1:${port}:127.0.0.1:1`]);
  await waitFor(/forwarding/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test.each([
  ['on 127.0.0.1 where nothing is said', '0', 'ECONNREFUSED'],
  ['on both loopback addresses of localhost', 'localhost:0', undefined],
])('a proxy listens %s', async (_where, address, refusal) => {
  const { child, ended, waitFor } = startTunl(['serve', address]);
  const [, port] = await waitFor(/^tunl: serving 127\.0\.0\.1:(\d+)\n/);
  const client = connect({ host: '::1', port: Number(port) });
  const seen = await Promise.race([
    once(client, 'connect').then(() => undefined),
    once(client, 'error').then(([error]: NodeJS.ErrnoException[]) => error?.code),
  ]).catch((error: NodeJS.ErrnoException) => error.code);
  expect(seen).toBe(refusal);
  client.destroy();
  child.kill('SIGTERM');
  await ended;
});
