import { describe, expect, test } from 'vitest';
import { linkPair } from '../../../src/core/link.ts';
import { findProxyHeader, readProxyHeader } from '../../../src/http/server/proxy-header.ts';
import { formatProxyHeader } from '../../../src/http/server/proxy-protocol.ts';

const tcp = (host: string, port: number) => ({ kind: 'tcp' as const, host, port });
const [source, destination] = [tcp('192.0.2.1', 40_000), tcp('10.0.0.1', 80)];
const [source6, destination6] = [tcp('2001:db8::1', 65_535), tcp('::1', 0)];
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const binary = (hex: string) => Buffer.concat([signature, Buffer.from(hex, 'hex')]);
const line = (text: string) => Buffer.from(`PROXY ${text}\r\n`);
const never = new AbortController().signal;

/** Headers, and what they tell. */
const headers: readonly (readonly [string, Buffer, object | undefined])[] = [
  ...(['v1', 'v2'] as const).flatMap((version) => [
    [
      `IPv4 in ${version}`,
      formatProxyHeader(version, { source, destination, identity: undefined }),
      { source, destination },
    ] as const,
    [
      `IPv6 in ${version}`,
      formatProxyHeader(version, { source: source6, destination: destination6, identity: undefined }),
      { source: source6, destination: destination6 },
    ] as const,
  ]),
  [
    'a client of IPv4 and us of IPv6',
    line('TCP6 ::FFFF:192.0.2.1 ::1 1 2'),
    { source: tcp('192.0.2.1', 1), destination: tcp('::1', 2) },
  ],
  [
    'additional fields',
    formatProxyHeader('v2', { source, destination, identity: `spiffe://cluster.local/ns/a/sa/${'b'.repeat(1000)}` }),
    { source, destination },
  ],
  [
    'additional fields of 64 KiB',
    Buffer.concat([binary('2111ffff'), Buffer.alloc(65_535, 7)]),
    { source: tcp('7.7.7.7', 0x707), destination: tcp('7.7.7.7', 0x707) },
  ],
  ['an unknown client', line('UNKNOWN'), undefined],
  ['an unknown client, with more', line('UNKNOWN ffff::1 ffff::1 1 2'), undefined],
  ['a health check', binary('2000000000'.slice(0, 8)), undefined],
  ['a health check with addresses', binary('2011000c' + 'c0000201' + '0a000001' + '9c40' + '0050'), undefined],
  ['no family', binary('21000000'), undefined],
  ['Unix sockets', Buffer.concat([binary('213100d8'), Buffer.alloc(216)]), undefined],
  ['datagrams', binary('2112000c' + 'c0000201' + '0a000001' + '9c40' + '0050'), undefined],
];

async function read(chunks: readonly Buffer[], isOptional = false) {
  const [client, server] = linkPair();
  const ends = readProxyHeader(server.stream, isOptional, never);
  // It may be refused while the rest is written.
  ends.catch(() => {});
  for (const chunk of chunks) {
    client.stream.write(chunk);
    await new Promise(setImmediate);
  }
  client.stream.end();
  const told = await ends;
  const rest: Buffer[] = [];
  for await (const chunk of server.stream) rest.push(chunk as Buffer);
  return { told, rest: Buffer.concat(rest).toString() };
}

test.each(headers)('%s, and what comes behind stays in the stream', async (_, header, told) => {
  expect(await read([Buffer.concat([header, Buffer.from('hello')])])).toEqual({ told, rest: 'hello' });
});

test.each(headers.filter(([, { length }]) => length < 200))('%s, a byte at a time', async (_, header, told) => {
  const bytes = Buffer.concat([header, Buffer.from('hello')]);
  const chunks = Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1));
  expect(await read(chunks, true)).toEqual({ told, rest: 'hello' });
});

/** What begins as a header and is none. */
const broken: readonly (readonly [string, Buffer])[] = [
  ...[
    'TCP4 192.0.2.1 10.0.0.1 40000',
    'TCP4 192.0.2.1 10.0.0.1 40000 80 1',
    'TCP4  192.0.2.1 10.0.0.1 40000 80',
    'TCP4 192.0.2.1 10.0.0.1 40000 65536',
    'TCP4 192.0.2.1 10.0.0.1 040 80',
    'TCP4 192.0.2.1 10.0.0.1 -1 80',
    'TCP4 192.0.2.01 10.0.0.1 1 80',
    'TCP4 ::1 ::1 1 80',
    'TCP6 192.0.2.1 10.0.0.1 1 80',
    'TCP6 fe80::1%eth0 ::1 1 80',
    'TCP5 192.0.2.1 10.0.0.1 1 80',
    'tcp4 192.0.2.1 10.0.0.1 1 80',
    'UNKNOWNS',
    'TCP4 192.0.2.1 10.0.0.1 1 80\n',
    `UNKNOWN ${'f'.repeat(100)}`,
  ].map((text) => [text, line(text)] as const),
  ['version 1 in binary', binary('1111000c' + 'c0000201' + '0a000001' + '9c40' + '0050')],
  ['an unknown command', binary('2211000c' + 'c0000201' + '0a000001' + '9c40' + '0050')],
  ['no room for two addresses', binary('2111000b' + 'c0000201' + '0a000001' + '9c40' + '00')],
];

test.each(broken)('%s: refused, whether a header is optional or not', async (_, bytes) => {
  expect(() => findProxyHeader(bytes)).toThrow(/^the client is refused: .*PROXY header/);
  for (const isOptional of [false, true])
    await expect(read([bytes], isOptional)).rejects.toMatchObject({ code: 'http_request_error', side: 'client' });
});

describe('a connection without a header', () => {
  test.each(['GET / HTTP/1.1\r\n', 'PROXIES', '\r\n\r\n\0\r\nQUIX\n', 'PROXY-'])(
    '%j is left as it is if that may be',
    async (text) => {
      const chunks = Array.from(text, (letter) => Buffer.from(letter, 'latin1'));
      expect(await read(chunks, true)).toEqual({ told: undefined, rest: text });
    },
  );

  test('is refused otherwise', async () => {
    await expect(read([Buffer.from('GET / HTTP/1.1\r\n')])).rejects.toMatchObject({ code: 'http_request_error' });
  });

  test.each([[''], ['PROXY TCP4'], ['\r\n\r\n']])('that ends after %j has only left', async (text) => {
    for (const isOptional of [false, true])
      await expect(read([Buffer.from(text)], isOptional)).rejects.toMatchObject({ code: 'connection_terminated' });
  });
});
