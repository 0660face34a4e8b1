import { expect, test } from 'vitest';
import { drawSvg } from '../../../src/chain/draw/draw.ts';
import { Flows, keyOf } from '../../../src/app/admin/flows.ts';
import { Journal } from '../../../src/app/admin/journal.ts';
import { ReadingRecord } from '../../../src/app/admin/reading.ts';
import { listStats } from '../../../src/app/admin/stats.ts';
import { Traffic } from '../../../src/app/admin/traffic.ts';
import { type Tunnel, Tunnels } from '../../../src/app/tunnel/tunnels.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunnelClosedEvent, TunnelFailedEvent } from '../../../src/core/events.ts';
import { forwardStage, internal, proxyStage, toGraph } from '../../support/graphs/graphs.ts';
import { readDrawing } from '../../support/drawing.ts';

const target = { kind: 'tcp', host: 'db', port: 5432 } as const;
const graph = toGraph({
  stages: [
    forwardStage('ingress', internal('inner')),
    forwardStage('inner', target, { listen: 'internal' }),
    proxyStage('proxy'),
  ],
});

const noPause = { paused: 0, resumed: 0 };

const makeTunnel = (facts: Partial<Tunnel>): Tunnel => ({
  id: 1,
  client: '127.0.0.1:1',
  target: 'db:5432',
  via: [],
  stages: [],
  depth: 0,
  isRecorded: true,
  started: 0,
  cut: () => {},
  handle: { sent: 10, received: 3, pauses: { client: noPause, target: noPause } } as NonNullable<Tunnel['handle']>,
  ...facts,
});

test('bytes are counted for each arrow once, whether stages are fused or not', () => {
  const flows = new Flows();
  flows.expect(graph);
  const fused = makeTunnel({ stages: ['ingress', 'inner'] });
  expect([...flows.read([fused])]).toEqual([
    [keyOf('ingress', 'inner'), { sent: 10, received: 3 }],
    [keyOf('inner', 'db:5432'), { sent: 10, received: 3 }],
  ]);
  const outer = makeTunnel({ stages: ['ingress'], target: 'internal://inner' });
  const inner = makeTunnel({ stages: ['ingress', 'inner'], depth: 1, isRecorded: false });
  expect([...flows.read([outer, inner])]).toEqual([...flows.read([fused])]);
});

test('whatever clients ask for, a proxy has one arrow, which keeps the bytes of tunnels that are over', () => {
  const flows = new Flows();
  flows.expect(graph);
  for (const host of ['a', 'b', 'c']) flows.leave(makeTunnel({ stages: ['proxy'], target: `${host}:1` }));
  flows.expect(graph);
  expect([...flows.read([])]).toEqual([[keyOf('proxy', 'the requested target'), { sent: 30, received: 9 }]]);
  flows.expect(toGraph({ stages: [forwardStage('ingress', target)] }));
  expect([...flows.read([])]).toEqual([]);
});

test('what had lived too long is counted for its stage', () => {
  const traffic = new Traffic();
  for (const hasExpired of [true, false, true]) traffic.leave(makeTunnel({ stages: ['proxy'], hasExpired }));
  expect(traffic.stages.get('proxy')).toMatchObject({ tunnels: 3, expired: 2 });
  const sources = { traffic, tunnels: new Tunnels(() => {}), forwards: [], proxies: ['proxy'], listeners: 1 };
  const stats = listStats({ ...sources, isLive: true, uptimeMs: 0 });
  const { value } = stats.find(({ name }) => name === 'http.downstream_rq_max_duration_reached') ?? {};
  expect(value).toBe(2);
});

const facts = { id: 4, client: '127.0.0.1:1', target: 'db:5432', via: ['http://a', 'https://b'], ms: 1 };
const closed: TunnelClosedEvent = { event: 'tunnel.closed', ...facts, sent: 0, received: 0, end: 'clean' };
const failed = (error: TunlError, more: Partial<TunnelFailedEvent> = {}): TunnelFailedEvent => ({
  event: 'tunnel.failed',
  ...facts,
  error,
  ...more,
});

test('a failure names its hop and its cause, and what is no failure is left out', () => {
  const journal = new Journal();
  const hop = { index: 2, count: 2 };
  journal.note('s', failed(new TunlError('destination_unavailable', 'no', { side: 'hop', phase: 'handshake', hop })));
  for (const event of [closed, { ...closed, end: 'cut' }, { ...closed, end: 'reset', side: 'client' }] as const) {
    journal.note('s', event);
  }
  journal.note('t', { ...closed, end: 'reset', side: 'target', reason: 'x'.repeat(1000) });
  expect(journal.failed).toBe(2);
  expect(journal.failures).toMatchObject([
    { number: 2, stage: 't', side: 'target', hop: null, cause: `${'x'.repeat(300)}…` },
    { number: 1, stage: 's', side: 'hop', hop: 'https://b', cause: 'no', phase: 'handshake', target: 'db:5432' },
  ]);
});

test('only the last fifty failures are kept, and answers are counted by their class', () => {
  const journal = new Journal();
  for (let index = 0; index < 60; index++)
    journal.note('s', failed(new TunlError('dns_error', `${index}`), { status: 502 }));
  for (const status of [200, 204, 404, 999]) journal.note('s', { ...closed, status });
  expect(journal.failures.map(({ cause }) => cause)).toEqual(
    Array.from({ length: 50 }, (_item, index) => `${59 - index}`),
  );
  expect(journal.failed).toBe(60);
  expect([...journal.statuses]).toEqual([['s', [0, 2, 0, 1, 60]]]);
});

test('a reading that fails is told until one succeeds', async () => {
  const record = new ReadingRecord();
  const { time } = record.facts;
  await expect(record.during(() => Promise.reject(new Error('chain.yaml:3: what')))).rejects.toThrow('what');
  expect(record.facts).toEqual({ time, failure: { time: expect.any(String), cause: expect.stringContaining('what') } });
  await record.during(async () => {});
  expect(record.facts.failure).toBeNull();
});

test('an arrow is as wide as its rate, and a rate with more digits moves nothing', async () => {
  const draw = (sent: number) => drawSvg(graph, { fused: new Set(['inner']), rateOf: () => ({ sent, received: 0 }) });
  const [calm, slow, fast] = [await draw(0), await draw(50), await draw(5e9)];
  expect([calm, slow, fast].map((svg) => /<polyline class="([^"]*)"/.exec(svg)?.[1])).toEqual([
    'way calm',
    'way rate1',
    'way rate4',
  ]);
  expect(slow).toContain('>→  50/s ←   0/s</text>');
  expect(readDrawing(fast).boxes).toEqual(readDrawing(calm).boxes);
  expect(fast).toContain('data-stage="ingress"');
});
