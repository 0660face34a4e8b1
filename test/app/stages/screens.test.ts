import { expect, test } from 'vitest';
import type { Screen } from '../../../src/chain/model/graph.ts';
import { startChain } from '../../support/harness/chain.ts';
import { answer, httpStage, on } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';

const strangers: Screen = {
  action: 'allow',
  policies: [{ name: 'others', what: [{ kind: 'any' }], who: [{ kind: 'client', range: '10.0.0.0/8' }] }],
};
const readers: Screen = {
  action: 'allow',
  policies: [
    {
      name: 'readers',
      what: [{ kind: 'field', field: { name: ':method', value: { kind: 'exact', value: 'GET' } } }],
      who: [{ kind: 'any' }],
    },
  ],
};

const get = (path: string, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

test('requests are denied before their answer, with or without a route, unless their route has other screens', async () => {
  const open = { ...on('/open', answer('open')), screens: [] };
  const chain = await startChain([httpStage('front', [open, on('/read', answer('read'))], [], { screens: [readers] })]);
  const client = await connectPeer(chain.port);
  const statuses: string[] = [];
  for (const text of [get('/read'), get('/read', 'PUT'), get('/none'), get('/none', 'PUT'), get('/open', 'PUT')]) {
    client.send(text);
    const head = await client.readHead();
    await client.read(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0));
    statuses.push(head.slice(9, 12));
  }
  expect(statuses).toEqual(['200', '403', '404', '403', '200']);
});

test('connections are reset before a request is read', async () => {
  const chain = await startChain([httpStage('front', [on('/', answer('in'))], [], { connectionScreens: [strangers] })]);
  // The reset may come before the client knows that it is connected.
  const seen = connectPeer(chain.port).then((client) => client.waitForEnd());
  expect(await seen.catch(() => 'reset')).toBe('reset');
  expect(chain.eventsOf('tunnel.failed')).toMatchObject([{ error: { code: 'http_request_denied' } }]);
});
