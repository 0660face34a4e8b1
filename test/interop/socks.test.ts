import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { type Behaviour, echo, greet, refusedAddress, startTarget } from '../support/targets/plain.ts';
import { startDante } from './parts/dante.ts';
import { startMicrosocks } from './parts/microsocks.ts';
import { startSquid } from './parts/squid.ts';
import { startSshSocks } from './parts/ssh-socks.ts';
import { startSshd } from './parts/sshd.ts';
import type { Part } from './support/part.ts';
import { formatHops, startTunl, startTunlServe, tunl } from './support/tunl.ts';

const bulkBytes = amount(20_000_000, 200_000_000);

/** A part that lives as long as the test. */
async function withPart(starting: Promise<Part>): Promise<Part> {
  const part = await starting;
  onTestFinished(part.stop);
  return part;
}

async function startSsh(): Promise<Part> {
  const sshd = await startSshd();
  onTestFinished(sshd.stop);
  return startSshSocks(sshd);
}

const to = (scheme: string, { port }: Part, user = '') => `${scheme}://${user}127.0.0.1:${port}`;

/** Real servers of SOCKS, each with the versions that it speaks. */
const servers: readonly (readonly [scheme: string, name: string, start: () => Promise<Part>])[] = [
  ...['socks5', 'socks5h'].map((scheme) => [scheme, 'microsocks', () => startMicrosocks()] as const),
  ...['socks4', 'socks5', 'socks5h'].map((scheme) => [scheme, 'dante', startDante] as const),
  ...['socks4', 'socks4a', 'socks5', 'socks5h'].map((scheme) => [scheme, 'ssh -D', startSsh] as const),
];

/** Reads everything, and answers with its hash and with bytes of its own, whose hash the client is told first. */
const swap =
  (own: Buffer, size: number): Behaviour =>
  (socket: Socket) => {
    const hash = createHash('sha256');
    let left = size;
    socket.write(own);
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left === 0) socket.end(hash.digest('hex'));
    });
  };

describe.each(servers)('%s:// through %s', (scheme, _name, start) => {
  test('carries what both sides send, byte for byte', async () => {
    const part = await withPart(start());
    const [there, back] = [randomBytes(bulkBytes), randomBytes(bulkBytes)];
    const target = await startTarget(swap(back, there.length));
    const forward = await startTunl(['forward', '-x', to(scheme, part), `:localhost:${target.port}`]);
    onTestFinished(forward.stop);
    const client = await connectPeer(forward.port);
    client.send(there);
    const received = await client.readToEnd();
    expect(received.subarray(0, back.length).equals(back), forward.log() + part.log()).toBe(true);
    expect(received.subarray(back.length).toString()).toBe(createHash('sha256').update(there).digest('hex'));
  });

  test('hears a target that speaks first', async () => {
    const part = await withPart(start());
    const target = await startTarget(greet('SSH-2.0-x\r\n'));
    const result = await tunl(['connect', '-x', to(scheme, part), `127.0.0.1:${target.port}`], { input: 'back\n' });
    expect(result, part.log()).toMatchObject({ code: 0, stdout: 'SSH-2.0-x\r\nback\n' });
  });
});

test.each([
  ['microsocks', 'socks5h', () => startMicrosocks(), 7, 'connection refused (0x05)'],
  ['dante', 'socks5h', startDante, 7, 'connection refused (0x05)'],
  ['dante', 'socks4', startDante, 97, 'rejected or failed (0x5b)'],
])('%s over %s:// says that a target refuses', async (_name, scheme, start, code, words) => {
  const part = await withPart(start());
  const result = await tunl(['connect', '-x', to(scheme, part), `127.0.0.1:${refusedAddress.port}`]);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(`refused CONNECT 127.0.0.1:1: ${words}`);
});

test('ssh -D closes without a word if the target refuses', async () => {
  const part = await withPart(startSsh());
  const result = await tunl(['connect', '-x', to('socks5h', part), `127.0.0.1:${refusedAddress.port}`]);
  expect(result).toMatchObject({ code: 97, stdout: '' });
  expect(result.stderr).toContain('ssh -D closes like this');
});

describe('microsocks with a user', () => {
  const login = { user: 'alice', password: 'open:sesame' };

  test.each([
    ['the right password', 'alice:open%3Asesame@', 0],
    ['a wrong password', 'alice:x@', 67],
    ['no user', '', 67],
  ])('is asked with %s', async (_name, user, code) => {
    const part = await withPart(startMicrosocks(login));
    const target = await startTarget(greet('hello'));
    const result = await tunl(['connect', '-x', to('socks5h', part, user), `127.0.0.1:${target.port}`], { input: '' });
    expect(result.code, result.stderr).toBe(code);
  });
});

test.each([
  ['squid, then microsocks', 'http', () => startSquid(), 'socks5h', () => startMicrosocks()],
  ['microsocks, then squid', 'socks5h', () => startMicrosocks(), 'http', () => startSquid()],
  ['dante, then tunl serve', 'socks4', startDante, 'h2c', () => startTunlServe()],
  ['dante, then microsocks', 'socks5', startDante, 'socks5', () => startMicrosocks()],
])('leads through %s', async (_name, nearScheme, startNear, farScheme, startFar) => {
  const [near, far] = [await withPart(startNear()), await withPart(startFar())];
  const target = await startTarget(echo);
  const hops = formatHops([to(nearScheme, near), to(farScheme, far)]);
  const forward = await startTunl(['forward', ...hops, `:127.0.0.1:${target.port}`]);
  onTestFinished(forward.stop);
  const client = await connectPeer(forward.port);
  client.send('there and back');
  expect((await client.read(14)).toString(), near.log() + far.log()).toBe('there and back');
});

test('ALL_PROXY of the environment may name one', async () => {
  const part = await withPart(startMicrosocks());
  const target = await startTarget(greet('hello'));
  const env = { ALL_PROXY: to('socks5h', part) };
  const result = await tunl(['connect', '-v', `127.0.0.1:${target.port}`], { input: '', env });
  expect(result).toMatchObject({ code: 0, stdout: 'hello' });
  expect(result.stderr).toContain(`ALL_PROXY says ${env.ALL_PROXY}`);
});
