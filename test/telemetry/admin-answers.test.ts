import { expect, test } from 'vitest';
import type { TunnelFacts } from '../../src/telemetry/admin/subject.ts';
import type { Stat } from '../../src/telemetry/stat.ts';
import { makeSubject, startDesk } from '../support/harness/admin-subject.ts';

const tunnel: TunnelFacts = {
  id: 3,
  peer: '127.0.0.1:5000',
  user: null,
  target: 'db:5432',
  stages: ['ingress', 'encap'],
  via: ['https://edge'],
  state: 'open',
  resumed: 0,
  ageMs: 1234,
  sent: 10,
  received: 2000,
  sentRate: 1,
  receivedRate: 200,
};

test('whether it is ready is told by the status, and by the word of Envoy', async () => {
  let state: 'LIVE' | 'DRAINING' = 'LIVE';
  const { ask } = await startDesk(makeSubject({ state: () => state }));
  expect(await ask('/ready')).toMatchObject({ status: 200, body: 'LIVE\n' });
  state = 'DRAINING';
  expect(await ask('/ready')).toMatchObject({ status: 503, body: 'DRAINING\n' });
  expect(JSON.parse((await ask('/server_info')).body)).toMatchObject({
    version: 'tunl/0',
    state: 'DRAINING',
    uptime_current_epoch: '61s',
  });
});

test('listeners and upstreams as Envoy prints them', async () => {
  const tcp = { kind: 'tcp', host: '127.0.0.1', port: 8080 } as const;
  const { ask } = await startDesk(
    makeSubject({
      listListeners: () => [
        { name: 'a', address: tcp },
        { name: 'b', address: { kind: 'unix', path: '\0b' } },
      ],
      listClusters: () => [
        { name: 'c', hosts: [{ address: tcp, counts: { total: 3, active: 1, connectFail: 2 } }] },
        {
          name: 'd',
          hosts: [{ address: { kind: 'internal', name: 'x' }, counts: { total: 0, active: 0, connectFail: 0 } }],
        },
      ],
    }),
  );
  expect((await ask('/listeners')).body).toBe('a::127.0.0.1:8080\nb::unix:@b\n');
  expect(JSON.parse((await ask('/listeners?format=json')).body)).toEqual({
    listener_statuses: [
      { name: 'a', local_address: { socket_address: { address: '127.0.0.1', port_value: 8080 } } },
      { name: 'b', local_address: { pipe: { path: '@b' } } },
    ],
  });
  const { body } = await ask('/clusters');
  for (const line of ['c::observability_name::c', 'c::127.0.0.1:8080::cx_total::3', 'd::internal://x::cx_active::0']) {
    expect(body).toContain(`${line}\n`);
  }
  expect(JSON.parse((await ask('/clusters?format=json')).body)).toMatchObject({
    cluster_statuses: [
      { name: 'c', host_statuses: [{ stats: [{ name: 'cx_connect_fail', value: '2' }, {}, {}] }] },
      {},
    ],
  });
  expect((await ask('/listeners?format=xml')).status).toBe(400);
});

test('tunnels are JSON, or a table in which nothing obeys', async () => {
  const odd = {
    ...tunnel,
    id: 4,
    user: 'a\u001b[2J',
    target: '<script>alert(1)</script>:1',
    state: 'dialling',
  } as const;
  const { ask } = await startDesk(makeSubject({ listTunnels: () => [tunnel, odd] }));
  const answer = await ask('/tunnels');
  expect(answer.headers['content-type']).toBe('application/json');
  expect(JSON.parse(answer.body)).toEqual([tunnel, odd]);
  const lines = (await ask('/tunnels?format=text')).body.split('\n');
  expect(lines[0]).toMatch(/^id  peer +user +target +stages +via +state +resumed +age +sent +received/);
  expect(lines[1]).toMatch(
    /^3 +127\.0\.0\.1:5000 +- +db:5432 +ingress > encap +https:\/\/edge +open +0 +1\.2s +10 +2000 +1 +200$/,
  );
  expect(lines[2]).toContain('a?[2J');
});

const stats: readonly Stat[] = [
  { name: 'server.live', kind: 'gauge', help: 'h', value: 1 },
  {
    name: 'cluster.upstream_cx_total',
    kind: 'counter',
    help: 'h',
    value: 0,
    of: { label: 'envoy_cluster_name', value: 'a"\\\n' },
  },
  {
    name: 'cluster.upstream_cx_total',
    kind: 'counter',
    help: 'h',
    value: 5,
    of: { label: 'envoy_cluster_name', value: 'b' },
  },
  {
    name: 'tunl.tunnels_failed_total',
    kind: 'counter',
    help: 'h',
    value: 2,
    of: { label: 'code', value: 'dns_error' },
  },
];

test('numbers in the forms of Envoy', async () => {
  const { ask } = await startDesk(makeSubject({ listStats: () => stats }));
  expect((await ask('/stats?usedonly')).body).toBe(
    'cluster.b.upstream_cx_total: 5\nserver.live: 1\ntunl.tunnels_failed_total.dns_error: 2\n',
  );
  expect((await ask('/stats?filter=%5Ecluster%5C.b')).body).toBe('cluster.b.upstream_cx_total: 5\n');
  expect(JSON.parse((await ask('/stats?format=json&filter=live')).body)).toEqual({
    stats: [{ name: 'server.live', value: 1 }],
  });
  expect((await ask('/stats?format=foo')).status).toBe(400);
  const { body, headers } = await ask('/stats/prometheus');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=UTF-8');
  expect(body).toContain('# TYPE envoy_server_live gauge\nenvoy_server_live 1\n');
  expect(body).toContain('envoy_cluster_upstream_cx_total{envoy_cluster_name="a\\"\\\\\\n"} 0\n');
  expect(body).toContain('envoy_cluster_upstream_cx_total{envoy_cluster_name="b"} 5\n');
  expect(body).toContain('tunl_tunnels_failed_total{code="dns_error"} 2\n');
  expect((await ask('/stats?format=prometheus')).body).toBe(body);
});

test('a filter that is none, or takes for ever, stops nobody', async () => {
  const slow = { ...stats[0], name: `x.${'a'.repeat(40)}` } as Stat;
  const { ask } = await startDesk(makeSubject({ listStats: () => [slow] }));
  for (const filter of ['[', '(a+)+$b', '^x.(a|aa)+$b']) {
    expect((await ask(`/stats?filter=${encodeURIComponent(filter)}`)).status, filter).toBe(400);
  }
  expect((await ask('/ready')).status).toBe(200);
});

test('the certificates that are shown', async () => {
  const facts = {
    path: '/x.pem',
    serialNumber: 'AB',
    names: ['localhost'],
    validFrom: new Date('2020-01-01T00:00:00Z'),
    validTo: new Date('2020-02-01T00:00:00Z'),
  };
  const { ask } = await startDesk(makeSubject({ listCertificates: async () => [facts] }));
  expect(JSON.parse((await ask('/certs')).body).certificates[0].cert_chain[0]).toMatchObject({
    path: '/x.pem',
    serial_number: 'ab',
    days_until_expiration: '0',
    expiration_time: '2020-02-01T00:00:00.000Z',
  });
});
