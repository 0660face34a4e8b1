import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 7000 443\r\n';
const told = { acceptProxyProtocol: 'required' } as const;

describe('a stage that believes PROXY headers', () => {
  test('records the client that the header tells, and passes on what is behind it', async () => {
    const target = await startTarget();
    const app = await startChain([forwardStage('a', target.address, told)]);
    const client = await connectPeer(app.port);
    client.send(`${header}hello`);
    client.fin();
    expect((await (await target.accept()).readToEnd()).toString()).toBe('hello');
    expect(app.eventsOf('tunnel.opened')).toMatchObject([{ client: '192.0.2.7:7000' }]);
  });

  test('resets a client without one, dials nothing for it and says so once', async () => {
    const target = await startTarget();
    const app = await startChain([forwardStage('a', target.address, told)]);
    const client = await connectPeer(app.port);
    client.send('hello, there');
    expect(await client.waitForEnd()).toBe('reset');
    expect(target.accepted).toBe(0);
    expect(app.eventsOf('notice')).toMatchObject([
      { level: 'warning', message: 'the client is refused: it began without a PROXY header' },
    ]);
  });

  test('says nothing about a port check', async () => {
    const target = await startTarget();
    const app = await startChain([forwardStage('a', target.address, told)]);
    const client = await connectPeer(app.port);
    client.fin();
    await client.waitForEnd();
    expect(app.events.filter(({ event }) => event !== 'listening')).toEqual([]);
  });

  test('with optional headers also takes a client without one', async () => {
    const target = await startTarget();
    const app = await startChain([forwardStage('a', target.address, { acceptProxyProtocol: 'optional' })]);
    for (const words of ['hello', `${header}hello`]) {
      const client = await connectPeer(app.port);
      client.send(words);
      client.fin();
      expect((await (await target.accept()).readToEnd()).toString()).toBe('hello');
    }
    await eventually(() => app.eventsOf('tunnel.opened').length, 2);
    expect(app.eventsOf('tunnel.opened').map(({ client }) => client.replace(/:.*/, ''))).toEqual([
      '127.0.0.1',
      '192.0.2.7',
    ]);
  });

  test('counts by the client of the header, and not by who sent it', async () => {
    const target = await startTarget();
    const app = await startChain([proxyStage('a', { ...told, caps: { perClient: 1 } })]);
    const ask = async (host: string) => {
      const client = await connectPeer(app.port);
      client.send(
        `PROXY TCP4 ${host} 192.0.2.1 7000 443\r\nCONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      return (await client.readHead()).slice(9, 12);
    };
    expect(await ask('192.0.2.7')).toBe('200');
    expect(await ask('192.0.2.8')).toBe('200');
    expect(await ask('192.0.2.7')).not.toBe('200');
  });

  test('does so behind another stage that sends them', async () => {
    const target = await startTarget();
    const app = await startChain([
      forwardStage('a', internal('b'), { route: { hops: [], limits: calmLimits, sendProxyProtocol: 'v2' } }),
      forwardStage('b', target.address, { listen: 'internal', log: true, ...told }),
    ]);
    const client = await connectPeer(app.port);
    client.send('hello');
    client.fin();
    expect((await (await target.accept()).readToEnd()).toString()).toBe('hello');
    const port = (client.stream as { localPort?: number }).localPort;
    await eventually(() => app.eventsOf('tunnel.opened').length, 2);
    for (const opened of app.eventsOf('tunnel.opened')) expect(opened.client).toBe(`127.0.0.1:${port}`);
  });
});

describe('a route that sends PROXY headers', () => {
  const route = { hops: [], limits: calmLimits, sendProxyProtocol: 'v1' as const };

  test('says on each connection to a proxy whose tunnel it is, before TLS or any request', async () => {
    const proxy = await startTarget();
    const target = { kind: 'tcp', host: 'db', port: 5432 } as const;
    const hops = [[makeHop('h2c', proxy.port)]];
    const app = await startChain([forwardStage('a', target, { route: { ...route, hops } })]);
    for (const one of [await connectPeer(app.port), await connectPeer(app.port)]) {
      const port = (one.stream as { localPort?: number }).localPort;
      const session = await proxy.accept();
      expect(await session.readUntil('\r\n')).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${port} ${app.port}\r\n`);
      expect(await session.readUntil('\r\n')).toBe('PRI * HTTP/2.0\r\n');
    }
  });

  test('gives each request a connection that tells its own client', async () => {
    const target = await startTarget();
    const app = await startChain([
      httpStage('a', [on('/', requests())], [upstream('main', target.address, { route })]),
    ]);
    for (const client of [await connectPeer(app.port), await connectPeer(app.port)]) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const port = (client.stream as { localPort?: number }).localPort;
      const server = await target.accept();
      expect(await server.readUntil('\r\n')).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${port} ${app.port}\r\n`);
      expect(await server.readHead()).toContain('GET / HTTP/1.1\r\n');
      server.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      expect(await client.readHead()).toContain('200');
    }
  });
});

describe('a route with a source address', () => {
  const limits = calmLimits;
  const start = (sourceAddress: string, target: Parameters<typeof forwardStage>[1]) =>
    startChain([forwardStage('a', target, { route: { hops: [], limits, sourceAddress } })]);

  test('connects from there', async () => {
    const target = await startTarget();
    const app = await start('127.0.0.9', target.address);
    await connectPeer(app.port);
    const server = await target.accept();
    expect((server.stream as { remoteAddress?: string }).remoteAddress).toBe('127.0.0.9');
  });

  test.each([
    ['192.0.2.1', '192.0.2.1 is no address of this machine, or has no free port'],
    ['::1', '127.0.0.1 has no IPv6 address'],
  ])('%s: says why it cannot', async (source, why) => {
    const target = await startTarget();
    const app = await start(source, target.address);
    connect(app.port, '127.0.0.1').on('error', () => {});
    await eventually(() => app.eventsOf('tunnel.failed').length, 1);
    expect(app.eventsOf('tunnel.failed')[0]?.error.message).toContain(why);
  });
});
