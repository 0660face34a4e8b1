import { expect, test } from 'vitest';
import { startAdmin, type TestAdmin } from '../../support/harness/admin.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerPaths, echo, startTarget } from '../../support/targets/plain.ts';

/** How many values each histogram has, by the names for Prometheus; those without values are left out. */
async function readCounts(admin: TestAdmin): Promise<Record<string, number>> {
  const { body } = await admin.ask('/stats/prometheus?usedonly');
  const lines = [...body.matchAll(/^envoy_(\w+)_count\{\w+="([^"]*)"\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, name = '', of = '', count]) => [`${name} ${of}`, Number(count)]));
}

test('a request is measured at the client, at the stage and at its upstream', async () => {
  const target = await startTarget(answerPaths);
  const stage = httpStage('web', [on('/', requests())], [upstream('main', target.address)]);
  const admin = await startAdmin({ stages: [stage] });
  const client = await connectPeer(admin.port);
  for (const path of ['/a', '/b']) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readUntil(path);
  }
  const answered = {
    'cluster_upstream_cx_connect_ms main': 1,
    'cluster_upstream_rq_time main': 2,
    'http_downstream_rq_time web': 2,
  };
  await eventually(() => readCounts(admin), answered);
  client.fin();
  await client.waitForEnd();
  await eventually(() => readCounts(admin), {
    ...answered,
    'http_downstream_cx_length_ms web': 1,
    [`listener_downstream_cx_length_ms 127.0.0.1_${admin.port}`]: 1,
  });
});

test('the time of a tunnel lasts to its end, and that of an upstream is the time of the connection', async () => {
  const target = await startTarget(echo);
  const main = upstream('main', target.address);
  const admin = await startAdmin({ stages: [httpStage('ends', [on('CONNECT', tunnels())], [main])] });
  const client = await connectPeer(admin.port);
  client.send('CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n');
  await client.readHead();
  expect(await readCounts(admin)).toEqual({ 'cluster_upstream_cx_connect_ms main': 1 });
  client.fin();
  await client.waitForEnd();
  await eventually(() => readCounts(admin), {
    'cluster_upstream_cx_connect_ms main': 1,
    'cluster_upstream_cx_length_ms main': 1,
    'http_downstream_cx_length_ms ends': 1,
    'http_downstream_rq_time ends': 1,
    [`listener_downstream_cx_length_ms 127.0.0.1_${admin.port}`]: 1,
  });
});

test('what is forwarded has the times of its connections alone', async () => {
  const target = await startTarget(echo);
  const admin = await startAdmin({ stages: [forwardStage('in', target.address)] });
  const client = await connectPeer(admin.port);
  client.send('a');
  await client.read(1);
  client.fin();
  await client.waitForEnd();
  await eventually(() => readCounts(admin), {
    'cluster_upstream_cx_connect_ms in': 1,
    'cluster_upstream_cx_length_ms in': 1,
    [`listener_downstream_cx_length_ms 127.0.0.1_${admin.port}`]: 1,
  });
});
