import { describe, expect, test } from 'vitest';
import { joinChunks, splitFirst, startMiddlebox } from '../support/peers/middlebox.ts';
import { fingerprint, makePayload } from '../support/payload.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, greet, startTarget } from '../support/targets/plain.ts';
import type { StartBed } from './carrier-bed.ts';

/** More bytes than any handshake takes in one direction. */
const handshakeBytes = 8 * 1024;

/** Registers the tests of the bytes that go through a tunnel. */
export function registerByteTests(start: StartBed): void {
  test('carries a MiB each way at once', async () => {
    const bed = await start();
    const target = await startTarget();
    const client = new RawPeer(await bed.dial(target.address));
    const server = await target.accept();
    const [there, back] = [makePayload(1 << 20), makePayload(1 << 20)];
    client.send(there);
    server.send(back);
    expect(fingerprint(await server.read(there.length))).toBe(fingerprint(there));
    expect(fingerprint(await client.read(back.length))).toBe(fingerprint(back));
  });

  test('answers a thousand questions one by one', async () => {
    const bed = await start();
    const client = new RawPeer(await bed.dial((await startTarget(echo)).address));
    for (let round = 0; round < 1000; round++) {
      client.send(`ping ${round}\n`);
      expect(await client.readUntil('\n')).toBe(`ping ${round}\n`);
    }
  });

  // Sizes around the frames of TLS and HTTP/2, and the chunks of streams.
  test.each([1, 2, 1460, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537])(
    'keeps a write of %i bytes whole',
    async (size) => {
      const bed = await start();
      const client = new RawPeer(await bed.dial((await startTarget(echo)).address));
      const payload = makePayload(size);
      client.send(payload);
      client.fin();
      expect(fingerprint(await client.readToEnd())).toBe(fingerprint(payload));
    },
  );

  describe('a target that speaks first', () => {
    const greeting = 'SSH-2.0-OpenSSH_9.2\r\n';

    test.each([
      ['as the bytes come', undefined],
      ['in the same segment as the answer of the proxy', { toClient: joinChunks }],
      ['a byte at a time', { toClient: () => splitFirst(handshakeBytes), toServer: () => splitFirst(handshakeBytes) }],
    ] as const)('is heard, %s', async (_, passages) => {
      const bed = await start({ between: async (port) => (await startMiddlebox(port, passages ?? {})).port });
      const target = await startTarget(greet(greeting));
      const client = new RawPeer(await bed.dial(target.address));
      expect(await client.readUntil('\r\n')).toBe(greeting);
      client.send('and is answered');
      expect(await client.readUntil('answered')).toBe('and is answered');
    });
  });

  test('is clean for the target: no byte of a handshake reaches it', async () => {
    const bed = await start();
    const target = await startTarget();
    const client = new RawPeer(await bed.dial(target.address));
    client.send('first bytes');
    client.fin();
    const server = await target.accept();
    expect((await server.readToEnd()).toString()).toBe('first bytes');
  });
}
