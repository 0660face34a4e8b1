import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { hasEnvoy, startEnvoyTerminator } from './parts/envoy.ts';
import { hasGo, startGoProxy } from './parts/go-proxy.ts';
import type { Part } from './support/part.ts';
import { launch } from './support/process.ts';
import { makeTunlCommand, startTunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** Proxies that reset what we may still send as soon as a target has ended (RFC 9113, section 8.1). */
const proxies = [
  { name: 'Envoy', isThere: hasEnvoy, start: () => startEnvoyTerminator() },
  { name: 'a server of Go', isThere: hasGo, start: startGoProxy },
];

for (const { name, isThere } of proxies) {
  if (!isThere) process.stderr.write(`${name} cannot be started here: its tests are not run\n`);
}

const downloads = amount(10, 40);
const sizes = [300_000, 2_000_000];
const files = new Map(sizes.map((size) => [size, randomBytes(size)]));
const ports = new Map<number, number>();

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  const servers = [...files].map(([size, file]) => {
    const server = createServer((socket) => void socket.on('error', () => {}).end(file));
    server.listen(0, '127.0.0.1', () => ports.set(size, (server.address() as AddressInfo).port));
    return server;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  return () => servers.forEach((server) => server.close());
});

/** Downloads with clients that keep their own half open, and returns how each download ended. */
async function downloadAll(port: number): Promise<string[]> {
  const ends: string[] = [];
  for (let count = 0; count < downloads; count++) {
    const client = await connectPeer(port);
    const end = await client.waitForEnd();
    ends.push(`${end} ${digest(client.inbox.take(client.inbox.size))}`);
    client.fin();
  }
  return ends;
}

describe.each(proxies)('of a target that ends first, through $name,', ({ isThere, start }) => {
  let proxy: Part;
  const via = () => `h2c://127.0.0.1:${proxy.port}`;

  // The library of Go is compiled once.
  beforeAll(async () => {
    if (isThere) proxy = await start();
  }, 300_000);
  afterAll(() => proxy?.stop());

  describe.skipIf(!isThere).each(sizes)('%d bytes', (size) => {
    const whole = digest(files.get(size) as Buffer);

    test('come whole to connect, whose input is open, and it exits with 0', async () => {
      for (let count = 0; count < downloads; count++) {
        const running = launch(makeTunlCommand(['connect', '-x', via(), `127.0.0.1:${ports.get(size)}`]));
        expect(await running.ended, running.stderr()).toEqual({ code: 0, signal: null });
        expect([digest(running.stdout()), running.stderr()]).toEqual([whole, '']);
      }
    });

    test('come whole to the clients of forward', async () => {
      const forward = await startTunl(['forward', `:127.0.0.1:${ports.get(size)}`, '-x', via()]);
      expect(await downloadAll(forward.port)).toEqual(Array.from({ length: downloads }, () => `fin ${whole}`));
      await forward.stop();
    });

    test('come whole through two stages of a chain', async () => {
      const file = join(makeFolder('chain'), 'chain.yaml');
      const stages = `
  front: { listen: 127.0.0.1:0, to: internal://back, log: true }
  back: { via: '${via()}', to: 127.0.0.1:${ports.get(size)}, log: true }
`;
      writeFileSync(file, `stages:${stages}`);
      const chain = await startTunl(['chain', '-c', file]);
      expect(await downloadAll(chain.port)).toEqual(Array.from({ length: downloads }, () => `fin ${whole}`));
      await chain.stop();
    });
  });
});
