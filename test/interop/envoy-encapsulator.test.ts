import { closeSync, openSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTarget } from '../support/targets/plain.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { envoyFronts, type Front } from './support/fronts.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { ssh } from './support/ssh.ts';
import { expectOwnBytes, openTunnel, startEcho } from './support/tunnels.ts';

/**
 * Over HTTP/1.1 Envoy closes the connection when its client has ended, and crashes over the answer to a POST
 * that ends before it.
 */
const hasHalves = ({ protocol }: Front) => protocol === 'h2';

/** True if Envoy passes a reset on as one. Over HTTP/1.1 the tunnel of a CONNECT is the connection, and it does not. */
const hasResets = ({ method, protocol }: Front) => method === 'POST' || protocol === 'h2';

const megabyte = Buffer.alloc(1_000_000, 'tunl');

let sshd: Sshd;
let payload: Payload;

beforeAll(async () => {
  if (!hasEnvoy) return undefined;
  sshd = await startSshd();
  payload = makePayload(200_000_000);
  return async () => {
    payload.remove();
    await sshd.stop();
  };
});

describe.skipIf(!hasEnvoy).each(envoyFronts)('Envoy, which goes through tunl serve by $name', (row) => {
  test('carries ssh, and 200 MB each way', async () => {
    const { front, log, stop } = await row.start(sshd.port);
    const input = openSync(payload.file, 'r');
    const up = await ssh(sshd, { port: front.port }, 'sha256sum', { input }).finally(() => closeSync(input));
    expect(up, log()).toMatchObject({ code: 0, stdout: `${payload.sha256}  -\n`, stderr: '' });
    const output = makeDigester();
    const down = await ssh(sshd, { port: front.port }, `cat '${payload.file}'`, { output });
    expect(down, log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
    await stop();
  });

  test('carries 201 tunnels at once, each with its own bytes', async () => {
    const target = await startEcho();
    const { front, stop } = await row.start(target.port);
    await expectOwnBytes(front.port, 201);
    await stop();
  });

  test('delivers what the client sent before it ended', async () => {
    const target = await startTarget();
    const { front, stop } = await row.start(target.port);
    const tunnel = await openTunnel(front.port, target);
    tunnel.client.send(megabyte);
    tunnel.client.fin();
    expect((await tunnel.target.readToEnd()).equals(megabyte)).toBe(true);
    if (hasHalves(row)) {
      tunnel.target.send(megabyte);
      tunnel.target.fin();
      expect((await tunnel.client.readToEnd()).equals(megabyte)).toBe(true);
    }
    await stop();
  });

  if (hasHalves(row)) {
    test('lets a client send on whose target has ended', async () => {
      const target = await startTarget();
      const { front, stop } = await row.start(target.port);
      const tunnel = await openTunnel(front.port, target);
      for (let count = 0; count < 10; count++) tunnel.target.send(megabyte);
      tunnel.target.fin();
      expect(await tunnel.client.readToEnd()).toHaveLength(10 * megabyte.length);
      tunnel.client.send(megabyte);
      tunnel.client.fin();
      expect((await tunnel.target.readToEnd()).equals(megabyte)).toBe(true);
      await stop();
    });
  }

  if (hasResets(row)) {
    test('tells the target that the client was reset', async () => {
      const target = await startTarget();
      const { front, stop } = await row.start(target.port);
      const tunnel = await openTunnel(front.port, target);
      tunnel.client.reset();
      expect(await tunnel.target.waitForEnd()).toBe('reset');
      await stop();
    });
  }

  test('ends the tunnel of a target that was reset', async () => {
    const target = await startTarget();
    const { front, serve, stop } = await row.start(target.port);
    const tunnel = await openTunnel(front.port, target);
    tunnel.target.reset();
    // Envoy may make a clean end of it.
    expect(await tunnel.client.waitForEnd()).not.toBe('open');
    await serve.waitForLine(/reset by the target/);
    await stop();
  });

  test('keeps its open tunnels when tunl serve drains', async () => {
    const target = await startTarget();
    const { front, serve, stop } = await row.start(target.port, '1m');
    const tunnels = [await openTunnel(front.port, target), await openTunnel(front.port, target)];
    const stopped = serve.stop();
    for (const { client, target: far } of tunnels) {
      far.send(megabyte);
      expect((await client.read(megabyte.length)).equals(megabyte)).toBe(true);
      client.send(megabyte);
      client.fin();
      expect((await far.readToEnd()).equals(megabyte)).toBe(true);
      far.fin();
    }
    await stopped;
    expect(serve.log()).toMatch(/stopping; 2 tunnels .*\n.* 200 closed: .*\n.* 200 closed: .*\n$/);
    await stop();
  });
});
