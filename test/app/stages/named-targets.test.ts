import { expect, test } from 'vitest';
import { makeHop } from '../../support/harness/app.ts';
import { startChain } from '../../support/harness/chain.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { makeHello } from '../../support/hello.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const none = { targets: [], balance: 'first' } as const;
const target = { kind: 'tcp', host: 'unused', port: 1 } as const;

function named(port: number, targetFormat: string, more: object = {}) {
  const stage = forwardStage('a', target, { route: { hops: [[makeHop('http', port)]] } });
  return { ...stage, to: none, targetFormat, ...more };
}

test('the server that a client names in TLS is asked for, and the record and the values tell of it', async () => {
  const proxy = await startTarget();
  const state = [{ name: 'host', value: '%REQUESTED_SERVER_NAME%' }];
  const chain = await startChain([named(proxy.port, '%FILTER_STATE(host:PLAIN)%:443', { state })]);
  const client = await connectPeer(chain.port);
  const hello = await makeHello('db.example');
  client.send(hello);
  const peer = await proxy.accept();
  expect(await peer.readHead()).toMatch(/^CONNECT db\.example:443 HTTP/);
  peer.send('HTTP/1.1 200 OK\r\n\r\n');
  expect(await peer.read(hello.length)).toEqual(hello);
  peer.send('pong');
  expect(String(await client.read(4))).toBe('pong');
  expect(chain.eventsOf('tunnel.opened')).toMatchObject([{ target: 'db.example:443' }]);
});

test('a client whose target is none is reset, and its failure is told', async () => {
  const proxy = await startTarget();
  const chain = await startChain([named(proxy.port, '%REQUESTED_SERVER_NAME%')]);
  const client = await connectPeer(chain.port);
  client.send('GET / HTTP/1.1\r\n\r\n');
  await client.waitForEnd();
  expect(client.inbox.farEnd).toBe('reset');
  const [failed] = chain.eventsOf('tunnel.failed');
  expect(failed).toMatchObject({ target: '-', error: { code: 'destination_unavailable', side: 'client' } });
  expect(failed?.error.message).toBe('a connection asks for "-", which is not HOST:PORT');
  expect(proxy.accepted).toBe(0);
});

test.each(['itself', 'inside'])(
  'a client that ends in the middle of its hello is passed on by a stage %s',
  async (where) => {
    const proxy = await startTarget();
    const format = '%FILTER_STATE(host:PLAIN)%.example:443';
    const state = [{ name: 'host', value: '%REQUESTED_SERVER_NAME%', skipEmpty: false }] as const;
    const inner = { kind: 'internal', name: 'inner' } as const;
    const stages =
      where === 'itself'
        ? [named(proxy.port, format, { state })]
        : [forwardStage('outer', inner), named(proxy.port, format, { state, name: 'b', listen: [inner] })];
    const chain = await startChain(stages);
    const client = await connectPeer(chain.port);
    const part = (await makeHello('db.example')).subarray(0, 60);
    client.send(part);
    client.fin();
    const peer = await proxy.accept();
    expect(await peer.readHead()).toMatch(/^CONNECT -\.example:443 HTTP/);
    peer.send('HTTP/1.1 200 OK\r\n\r\n');
    expect(await peer.readToEnd()).toEqual(part);
    peer.send('pong');
    peer.fin();
    expect(String(await client.readToEnd())).toBe('pong');
  },
);

test('a stage whose strangers would choose the target does not start, unless that is meant', async () => {
  const listen = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;
  const start = (more: object) => startChain([named(1, '%REQUESTED_SERVER_NAME%:443', { listen, ...more })]);
  await expect(start({})).rejects.toThrow('refusing to let everyone who reaches 0.0.0.0:0 choose where requests go');
  await start({ open: true });
});

test('values are shared with the stages inside as far as they say', async () => {
  const proxy = await startTarget();
  const state = [
    { name: 'own', value: 'a' },
    { name: 'once', value: 'b', share: 'once' },
    { name: 'always', value: 'c', share: 'always' },
  ] as const;
  const read = (name: string) => `%FILTER_STATE(${name}:PLAIN)%`;
  const inner = (name: string) => ({ kind: 'internal', name }) as const;
  const format = `[${['own', 'once', 'always'].map(read).join(',')}]`;
  const hop = { ...makeHop('http', proxy.port), formats: [['x-state', format]] as const };
  const chain = await startChain([
    { ...forwardStage('a', inner('b')), state },
    { ...forwardStage('b', target, { listen: [inner('b')], route: { hops: [[hop]], entry: inner('c') } }) },
    { ...named(proxy.port, `${read('once')}.${read('always')}:1`), name: 'c', listen: [inner('c')] },
  ]);
  await connectPeer(chain.port);
  // The stage b asks through c, which sees what is shared with all.
  const peer = await proxy.accept();
  expect(await peer.readHead()).toMatch(/^CONNECT -\.c:1 HTTP/);
  peer.send('HTTP/1.1 200 OK\r\n\r\n');
  expect(await peer.readHead()).toContain('\r\nx-state: [,b,c]\r\n');
});
