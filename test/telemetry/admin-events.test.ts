import { expect, onTestFinished, test, vi } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { chooseTunnels, readChoice } from '../../src/telemetry/admin/choice.ts';
import { createAdminServer } from '../../src/telemetry/admin/server.ts';
import type { TunnelFacts } from '../../src/telemetry/admin/subject.ts';
import { makeSubject, startDesk } from '../support/harness/admin-subject.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';

const makeTunnel = (facts: Partial<TunnelFacts>): TunnelFacts => ({
  id: 1,
  peer: '127.0.0.1:5000',
  user: null,
  target: 'db:5432',
  stages: ['ingress'],
  via: [],
  state: 'open',
  resumed: 0,
  ageMs: 1,
  sent: 0,
  received: 0,
  sentRate: 0,
  receivedRate: 0,
  ...facts,
});

async function follow(port: number, path = '/events') {
  const client = await connectPeer(port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return client;
}

test('what has changed is sent, and nothing else', async () => {
  let failures = 0;
  const { port } = await startDesk(
    makeSubject({ readTotals: () => ({ open: 0, asked: 0, failed: failures, sent: 0, received: 0, minute: [] }) }),
  );
  const client = await follow(port);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 [^]*Content-Type: text\/event-stream/);
  const first = await client.readUntil('event: tunnels\ndata: {"fitting":0,"shown":[]}\n\n');
  for (const name of ['state', 'totals', 'stages', 'failures', 'reading', 'certificates', 'drawing']) {
    expect(first).toContain(`event: ${name}\ndata: `);
  }
  failures = 1;
  const second = await client.readUntil('"failed":1,"sent":0,"received":0,"minute":[]}\n\n');
  expect(second.match(/event: \w+/g)).toEqual(['event: totals']);
});

test('with once the events end, and HEAD has none', async () => {
  const { ask } = await startDesk(makeSubject());
  expect((await ask('/events?once')).body).toContain('event: tunnels\n');
  expect(await ask('/events', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

test('a page of another site may not follow', async () => {
  const { ask } = await startDesk(makeSubject());
  for (const headers of [
    { Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'empty' },
    { Host: 'evil.example' },
  ]) {
    expect((await ask('/events?once', { headers })).status).toBe(403);
  }
});

test('no more than eight clients follow, and one that leaves gives its place to another', async () => {
  const { port } = await startDesk(makeSubject());
  const clients = await Promise.all(Array.from({ length: 8 }, () => follow(port)));
  for (const client of clients) expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  expect(await (await follow(port)).readHead()).toMatch(/^HTTP\/1\.1 503 /);
  clients[0]?.reset();
  await eventually(async () => (await (await follow(port)).readHead()).slice(0, 12), 'HTTP/1.1 200');
});

test('a client that does not read is sent one state, and is cut off in time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let looks = 0;
  const drawing = 'x'.repeat(500_000);
  const server = createAdminServer(makeSubject({ drawGraph: async () => `${drawing}${looks++}` }), {
    names: [],
    isSocketFile: false,
  });
  const [near, far] = linkPair();
  server.accept(far);
  near.stream.on('error', () => {});
  near.stream.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const settle = async () => {
    for (let round = 0; round < 20; round++) await new Promise(setImmediate);
  };
  await settle();
  const held = far.stream.writableLength;
  expect(held).toBeGreaterThan(0);
  for (let second = 0; second < 20; second++) {
    vi.advanceTimersByTime(1000);
    await settle();
  }
  expect(looks).toBeGreaterThan(15);
  expect(far.stream.writableLength).toBe(held);
  expect(far.stream.destroyed).toBe(false);
  vi.advanceTimersByTime(11_000);
  expect(far.stream.destroyed).toBe(true);
});

test('a filter, a stage and an order choose tunnels', () => {
  const tunnels = [
    makeTunnel({ id: 1, sent: 5, target: 'DB:1' }),
    makeTunnel({ id: 2, sent: 9, user: 'alice', stages: ['edge'] }),
    makeTunnel({ id: 3, sent: 5, via: ['http://proxy'] }),
  ];
  const choose = (query: string) => {
    const { fitting, shown } = chooseTunnels(tunnels, readChoice(new URLSearchParams(query)));
    return [fitting, ...shown.map(({ id }) => id)];
  };
  expect(choose('')).toEqual([3, 1, 2, 3]);
  expect(choose('sort=sent&order=desc')).toEqual([3, 2, 1, 3]);
  expect(choose('sort=sent')).toEqual([3, 1, 3, 2]);
  expect(choose('sort=constructor')).toEqual([3, 1, 2, 3]);
  expect(choose('filter=db:1')).toEqual([1, 1]);
  expect(choose('filter=ALICE')).toEqual([1, 2]);
  expect(choose('stage=ingress&filter=proxy')).toEqual([1, 3]);
  const many = Array.from({ length: 150 }, (_item, id) => makeTunnel({ id }));
  const { fitting, shown } = chooseTunnels(many, readChoice(new URLSearchParams()));
  expect([fitting, shown.length]).toEqual([150, 100]);
});
