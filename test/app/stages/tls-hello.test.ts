import { beforeEach, expect, test } from 'vitest';
import { formatClientHello } from '../../support/peers/client-hello.ts';
import { type Http2Bed, startHttp2Bed } from '../../support/harness/h2-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';

const handshake = 22;
const alert = 21;

let bed: Http2Bed;

beforeEach(async () => {
  bed = await startHttp2Bed({ security: 'tls' });
});

/** Sends a hello and gives the type of the first record that comes back; `undefined` when none does. */
async function greet(hello: Buffer): Promise<number | undefined> {
  const peer = await connectPeer(bed.serve.port);
  peer.send(hello);
  const [type] = await peer.read(1).catch(() => Buffer.alloc(0));
  peer.reset();
  return type;
}

test.each<[string, string]>([
  ['in lower case', 'localhost'],
  ['in upper case', 'LOCALHOST'],
  ['that is an address', '127.0.0.1'],
  ['of 255 bytes', 'a'.repeat(255)],
  ['of 255 bytes in labels', `${'a.'.repeat(127)}a`],
])('a server name %s is as good as any', async (_, name) => {
  expect(await greet(formatClientHello({ serverName: Buffer.from(name) }))).toBe(handshake);
  await bed.expectControl();
});

test('a server name of no bytes is taken or refused, as OpenSSL has it, and harms nothing', async () => {
  // RFC 6066, section 3 knows none; OpenSSL refuses it from 3.5.9 on.
  expect([handshake, alert]).toContain(await greet(formatClientHello({ serverName: Buffer.alloc(0) })));
  await bed.expectControl();
});

test('no server name is as good as any', async () => {
  expect(await greet(formatClientHello({}))).toBe(handshake);
});

test.each<[string, Buffer]>([
  ['with a NUL in it', Buffer.from('localhost\0.example')],
  ['of 256 bytes', Buffer.alloc(256, 'a')],
  ['of 16,000 bytes', Buffer.alloc(16_000, 'a')],
])('a server name %s is refused with an alert', async (_, serverName) => {
  expect(await greet(formatClientHello({ serverName }))).toBe(alert);
  await bed.expectControl();
});

test.each([
  ['60,000 bytes', 60_000],
  ['65,000 bytes', 65_000],
])('a hello with an extension of %s is answered or refused', async (_, ballastBytes) => {
  expect([handshake, alert]).toContain(await greet(formatClientHello({ ballastBytes })));
  await bed.expectControl();
});

test('500 clients that stop in the middle of their hello keep nobody else from a tunnel', async () => {
  const hello = formatClientHello({ serverName: Buffer.from('localhost') });
  const peers = await Promise.all(Array.from({ length: 500 }, () => connectPeer(bed.serve.port)));
  for (const peer of peers) peer.send(hello.subarray(0, hello.length / 2));
  await bed.expectControl();
  await bed.expectTunnel(await bed.connect());
});
