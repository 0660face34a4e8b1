import { expect, test } from 'vitest';
import { makeHop } from '../../support/harness/app.ts';
import { startAdmin, type TestAdmin } from '../../support/harness/admin.ts';
import { drain, pour } from '../../support/bulk.ts';
import { eventually } from '../../support/eventually.ts';
import { forwardStage, internal, proxyStage } from '../../support/graphs/graphs.ts';
import { httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const bulk = 24 * 1024 * 1024;

/** Pours bytes into a side while nobody reads the other, waits until these are paused, and then reads them all. */
async function stall(from: RawPeer, to: RawPeer, ...paused: readonly (readonly [TestAdmin, string])[]): Promise<void> {
  const pouring = pour(from.stream, bulk);
  for (const [admin, name] of paused) await eventually(async () => (await readUsed(admin)).includes(name), true);
  const [sent, received] = await Promise.all([pouring.done, drain(to.stream)]);
  expect(received).toBe(sent);
}

/** The names of the counters that are not 0. */
async function readUsed(admin: TestAdmin): Promise<string[]> {
  const { body } = await admin.ask('/stats?usedonly&filter=flow_control');
  return [...body.matchAll(/^(\S+): \d+$/gm)].map(([, name = '']) => name);
}

/** Expects the counters of pauses and of what followed them to be equal, now that nothing waits. */
async function expectBalance(admin: TestAdmin): Promise<void> {
  await eventually(async () => {
    const { body } = await admin.ask('/stats?format=json&filter=flow_control');
    const { stats } = JSON.parse(body) as { readonly stats: readonly { name: string; value: number }[] };
    const sum = (pattern: RegExp) =>
      stats.reduce((all, { name, value }) => (pattern.test(name) ? all + value : all), 0);
    const [paused, resumed] = [sum(/paused|backed_up/), sum(/resumed|drained/)];
    return paused > 0 && paused === resumed;
  }, true);
}

const upstreamPaused = (cluster: string) => `cluster.${cluster}.upstream_flow_control_paused_reading_total`;
const clientPaused = (stage: string) => `${stage}.downstream_flow_control_paused_reading_total`;

test('a client that does not read pauses the upstream, and a target that does not read pauses the client', async () => {
  const target = await startTarget();
  const stages = [forwardStage('in', internal('out')), forwardStage('out', target.address, { listen: 'internal' })];
  const admin = await startAdmin({ stages });
  const client = await connectPeer(admin.port, { reading: false });
  const far = await target.accept({ reading: false });
  await stall(far, client, [admin, upstreamPaused('in')], [admin, upstreamPaused('out')]);
  await stall(client, far, [admin, clientPaused('tcp.in')], [admin, clientPaused('tcp.out')]);
  await expectBalance(admin);
  expect(await readUsed(admin)).not.toContainEqual(expect.stringContaining('backed_up'));
});

test('the tunnels of an HTTP stage back up under the name of their upstream', async () => {
  const target = await startTarget();
  const stage = httpStage('ends', [on('CONNECT', tunnels())], [upstream('main', target.address)]);
  const admin = await startAdmin({ stages: [stage] });
  const client = await connectPeer(admin.port, { reading: false });
  client.send('CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n');
  const far = await target.accept({ reading: false });
  const backedUp = 'cluster.main.upstream_flow_control_backed_up_total';
  await stall(client, far, [admin, backedUp], [admin, clientPaused('http.ends')]);
  await expectBalance(admin);
});

test('the body of an answer is counted like a tunnel', async () => {
  const target = await startTarget();
  const stage = httpStage('web', [on('/', requests())], [upstream('main', target.address)]);
  const admin = await startAdmin({ stages: [stage] });
  const client = await connectPeer(admin.port, { reading: false });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const far = await target.accept();
  await far.readHead();
  far.send('HTTP/1.1 200 OK\r\n\r\n');
  const pouring = pour(far.stream, bulk);
  await eventually(async () => (await readUsed(admin)).includes(upstreamPaused('main')), true);
  client.stream.resume();
  await pouring.done;
  await expectBalance(admin);
});

test('the body of a request is too, as soon as there is an answer', async () => {
  const target = await startTarget();
  const stage = httpStage('web', [on('/', requests())], [upstream('main', target.address)]);
  const admin = await startAdmin({ stages: [stage] });
  const client = await connectPeer(admin.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bulk}\r\n\r\n`);
  const far = await target.accept({ reading: false });
  far.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
  const pouring = pour(client.stream, bulk);
  await eventually(async () => (await readUsed(admin)).includes(clientPaused('http.web')), true);
  far.stream.resume();
  await pouring.done;
  far.send('ok');
  await expectBalance(admin);
});

test('through a hop the pauses are those of the stage', async () => {
  const target = await startTarget();
  const hop = await startAdmin({ stages: [proxyStage('proxy', { open: true })] });
  const route = { hops: [[makeHop('h2c', hop.port)]] };
  const admin = await startAdmin({ stages: [forwardStage('in', target.address, { route })] });
  const client = await connectPeer(admin.port, { reading: false });
  const far = await target.accept({ reading: false });
  await stall(far, client, [admin, upstreamPaused('in')], [hop, upstreamPaused('proxy')]);
  await expectBalance(hop);
});
