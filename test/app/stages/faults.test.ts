import { describe, expect, test } from 'vitest';
import { drain, pour } from '../../support/bulk.ts';
import { calmLimits, makeHop, startTestForward, startTestServe } from '../../support/harness/app.ts';
import { startBlackhole } from '../../support/peers/blackhole.ts';
import { eventually } from '../../support/eventually.ts';
import { startMiddlebox } from '../../support/peers/middlebox.ts';
import { connectPeer, connectTlsPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { answerAtEnd, greet, listenOnly, startTarget, type Target } from '../../support/targets/plain.ts';

const bigBytes = 32 << 20;

/** Opens a tunnel through a `serve` by hand, over TLS or not. */
async function openTunnel(target: Target, security: 'clear' | 'tls', options = {}) {
  const serve = await startTestServe({ ...options, ...(security === 'tls' && { tls: {} }) });
  const client = await (security === 'tls' ? connectTlsPeer(serve.port) : connectPeer(serve.port));
  client.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await client.readHead();
  return { serve, client };
}

describe.each(['clear', 'tls'] as const)('a tunnel over %s', (security) => {
  test('brings all that is on the way after the client has ended its half', async () => {
    const target = await startTarget();
    const { client } = await openTunnel(target, security);
    client.stream.pause();
    client.fin();
    const server = await target.accept();
    expect(await server.waitForEnd()).toBe('fin');
    const sending = pour(server.stream, bigBytes);
    expect(await drain(client.stream)).toBe(await sending.done);
  });

  test('takes all that is on the way after the target has ended its half', async () => {
    const target = await startTarget();
    const { client } = await openTunnel(target, security);
    const server = await target.accept({ reading: false });
    const sending = pour(client.stream, bigBytes);
    server.fin();
    expect(await client.waitForEnd()).toBe('fin');
    expect(await drain(server.stream)).toBe(await sending.done);
  });

  test('gives everything to both when both end with bytes on the way, and is gone', async () => {
    const target = await startTarget();
    const { serve, client } = await openTunnel(target, security);
    client.stream.pause();
    const server = await target.accept({ reading: false });
    const [there, back] = [pour(client.stream, 1 << 20), pour(server.stream, 1 << 20)];
    expect(await Promise.all([drain(server.stream), drain(client.stream)])).toEqual([
      await there.done,
      await back.done,
    ]);
    await eventually(() => [serve.running.tunnels.size, target.open], [0, 0]);
    expect(serve.eventsOf('tunnel.closed')).toMatchObject([{ end: 'clean', sent: 1 << 20, received: 1 << 20 }]);
  });

  test.each([
    ['the target', 'target'],
    ['the client', 'client'],
  ])('is never a clean end for the other when %s is reset in the middle', async (_, side) => {
    const target = await startTarget();
    const { serve, client } = await openTunnel(target, security);
    const server = await target.accept();
    const [near, far]: RawPeer[] = side === 'target' ? [server, client] : [client, server];
    pour((near as RawPeer).stream, bigBytes).done.catch(() => {});
    await (far as RawPeer).read(1);
    near?.reset();
    expect(await far?.waitForEnd()).toBe('reset');
    await eventually(
      () => serve.eventsOf('tunnel.closed').map(({ end, side: whose }) => [end, whose]),
      [['reset', side]],
    );
  });
});

test('a tunnel whose proxy is cut off in the middle is never a clean end', async () => {
  const target = await startTarget();
  const serve = await startTestServe();
  const box = await startMiddlebox(serve.port);
  const client = await connectPeer(box.port);
  client.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await client.readHead();
  const server = await target.accept();
  box.cut();
  expect([await client.waitForEnd(), await server.waitForEnd()]).toEqual(['reset', 'reset']);
});

describe('a dial', () => {
  test('ends when its client is gone, and leaves nothing', async () => {
    const hole = await startBlackhole();
    const serve = await startTestServe();
    const client = await connectPeer(serve.port);
    client.send(`CONNECT 127.0.0.1:${hole.address.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await eventually(() => serve.running.tunnels.size, 1);
    client.reset();
    await eventually(() => serve.eventsOf('tunnel.failed').map(({ error }) => error.code), ['connection_terminated']);
    expect(serve.running.tunnels.size).toBe(0);
  });

  test('that is refused is 502 with the reason', async () => {
    const serve = await startTestServe();
    const client = await connectPeer(serve.port);
    client.send('CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = (await client.readToEnd()).toString();
    client.fin();
    expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\nProxy-Status: tunl; error=connection_refused\r\n/);
    expect(answer).not.toContain('127.0.0.1');
  });

  test('that nobody answers is 504 at the limit', async () => {
    const hole = await startBlackhole();
    const serve = await startTestServe({ limits: { ...calmLimits, connectMs: 50 } });
    const client = await connectPeer(serve.port);
    client.send(`CONNECT 127.0.0.1:${hole.address.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 504 .*\r\nProxy-Status: tunl; error=connection_timeout\r\n/);
    client.fin();
  });
});

describe('a drain', () => {
  test('accepts nothing more, lets tunnels finish and ends with them', async () => {
    const target = await startTarget(answerAtEnd((question) => question));
    const { serve, client } = await openTunnel(target, 'clear');
    serve.scope.drain('SIGTERM');
    await expect(connectPeer(serve.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    client.send('to the end');
    client.fin();
    expect((await client.readToEnd()).toString()).toBe('to the end');
    expect(await serve.running.done).toBe(0);
  });

  test('answers those who have not asked yet with a reset, and nobody with half a tunnel', async () => {
    const serve = await startTestServe();
    const client = await connectPeer(serve.port);
    client.send('CONNECT ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    serve.scope.drain('SIGTERM');
    expect(await client.waitForEnd()).toBe('reset');
    expect(await serve.running.done).toBe(0);
  });

  test('cuts what is left at the end of the grace, never with a clean end', async () => {
    const target = await startTarget(listenOnly);
    const serve = await startTestServe({}, 50);
    const client = await connectPeer(serve.port);
    client.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readHead();
    serve.scope.drain('SIGTERM');
    expect(await client.waitForEnd()).toBe('reset');
    expect(await serve.running.done).toBe(1);
    expect(serve.eventsOf('tunnel.closed')).toMatchObject([{ end: 'cut', side: 'self' }]);
    await eventually(() => target.open, 0);
  });
});

describe('forward', () => {
  test('resets its clients when the proxy is down: a thousand of them, and none sees an end', async () => {
    const forward = await startTestForward(
      { kind: 'tcp', host: 'db.test', port: 5432 },
      { hops: [makeHop('http', 1)] },
    );
    const ends = await Promise.all(
      Array.from({ length: 1000 }, async () => (await connectPeer(forward.port)).waitForEnd()),
    );
    expect(new Set(ends)).toEqual(new Set(['reset']));
    expect(forward.eventsOf('tunnel.failed')).toHaveLength(1000);
    expect(forward.running.tunnels.size).toBe(0);
  });

  test('resets its client when the target speaks first and then is reset', async () => {
    const target = await startTarget(greet('hello'));
    const serve = await startTestServe();
    const forward = await startTestForward(target.address, { hops: [makeHop('http', serve.port)] });
    const client = await connectPeer(forward.port);
    await client.readUntil('hello');
    (await target.accept()).reset();
    expect(await client.waitForEnd()).toBe('reset');
  });
});
