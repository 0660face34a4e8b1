import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { drain, pour } from '../support/bulk.ts';
import { eventually } from '../support/eventually.ts';
import { askAdmin } from '../support/harness/admin.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../support/targets/plain.ts';
import { hasEnvoy, makeHttpFilter, startEnvoyFile, typed } from './parts/envoy.ts';
import { findFreePort } from './support/part.ts';
import { startTunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** The ports of the listeners of one program. */
interface Ports {
  readonly admin: number;
  readonly direct: number;
  readonly tunnel: number;
  readonly web: number;
}

/** A program that runs the file. */
interface World {
  readonly ports: Ports;
  readonly target: Target;
}

const tcp = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function makeCluster(name: string, address: object, more: object = {}) {
  return {
    name,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    ...more,
  };
}

const http2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      ...typed('upstreams.http.v3.HttpProtocolOptions'),
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** Listeners that forward, that send through a tunnel, that end it, and that pass requests on, all to one target. */
function writeFile(folder: string, { admin, direct, tunnel, web }: Ports, target: number, more: object = {}): string {
  const pipe = { pipe: { path: join(folder, 'far.sock') } };
  const forward = (name: string, rest: object = {}) => ({
    name: 'tcp',
    typed_config: { ...typed('filters.network.tcp_proxy.v3.TcpProxy'), stat_prefix: name, cluster: name, ...rest },
  });
  const connects = {
    match: { connect_matcher: {} },
    route: { cluster: 'far', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
  };
  const requests = { match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0s' } };
  const listen = (name: string, address: object, filter: object) => ({
    name,
    address,
    filter_chains: [{ filters: [filter] }],
  });
  const file = join(folder, 'envoy.yaml');
  const bootstrap = {
    admin: { address: tcp(admin) },
    static_resources: {
      listeners: [
        listen('direct', tcp(direct), forward('direct')),
        listen('tunnel', tcp(tunnel), forward('tunnel', { tunneling_config: { hostname: 'db:5432' } })),
        listen('ends', pipe, makeHttpFilter('CONNECT', [connects], { stat_prefix: 'ends' })),
        listen('web', tcp(web), makeHttpFilter('CONNECT', [requests], { stat_prefix: 'web' })),
      ],
      clusters: [
        makeCluster('direct', tcp(target)),
        makeCluster('tunnel', pipe, http2),
        makeCluster('far', tcp(target)),
        makeCluster('origin', tcp(target)),
      ],
    },
    ...more,
  };
  writeFileSync(file, JSON.stringify(bootstrap, null, 2));
  return file;
}

async function findPorts(): Promise<Ports> {
  const [admin = 0, direct = 0, tunnel = 0, web = 0] = await Promise.all(Array.from({ length: 4 }, findFreePort));
  return { admin, direct, tunnel, web };
}

const bulk = 32 * 1024 * 1024;

/**
 * Sends bytes through a port in both directions, each time to a side that begins to read only once these counters are
 * no longer 0.
 */
async function stall(
  world: World,
  port: number,
  { up, down }: Readonly<Record<'up' | 'down', readonly string[]>>,
): Promise<void> {
  const client = await connectPeer(port, { reading: false });
  const far = await world.target.accept({ reading: false });
  for (const [from, to, expected] of [
    [client, far, up],
    [far, client, down],
  ] as const) {
    const pouring = pour(from.stream, bulk);
    await eventually(
      async () => [...(await readUsed(world, 'flow_control')).keys()],
      expect.arrayContaining([...expected]),
    );
    const [sent, received] = await Promise.all([pouring.done, drain(to.stream)]);
    expect(received).toBe(sent);
  }
}

/** Histograms, without those of Envoy's own admin address and start. */
const timed = '^(cluster|http[.](ends|web)|listener[.]127).*(_ms|_time)$';

/** Sends a byte through a port and back, and ends. */
async function visit(port: number, target: Target): Promise<void> {
  const client = await connectPeer(port);
  client.send('a');
  const far = await target.accept();
  await far.read(1);
  far.send('b');
  await client.read(1);
  client.fin();
  far.fin();
  await Promise.all([client.waitForEnd(), far.waitForEnd()]);
}

/** Sends a request to a port, which the target answers. */
async function request(port: number, target: Target): Promise<void> {
  const client = await connectPeer(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const far = await target.accept();
  await far.readHead();
  far.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await client.readUntil('ok');
  client.fin();
  await client.waitForEnd();
}

/** What tunl says about its listeners, in the order of the file. */
const listening = new RegExp(
  ['forwarding', 'forwarding', 'serving', 'admin'].map((role) => `^tunl: ${role} 127\\.0\\.0\\.1:(\\d+)`).join('[^]*?'),
  'm',
);

/** Starts both programs with the same file, each with a target of its own. */
async function startWorlds(): Promise<readonly [envoy: World, tunl: World]> {
  const one = await findPorts();
  const [first, second] = [await startTarget(), await startTarget()];
  const envoy = await startEnvoyFile(async (direct, folder) => {
    Object.assign(one, { direct });
    return writeFile(folder, one, first.port, { stats_flush_on_admin: true });
  });
  onTestFinished(() => envoy.stop());
  // The start of Envoy tries the port, and the target hears of that.
  (await first.accept()).reset();
  const free = { admin: 0, direct: 0, tunnel: 0, web: 0 };
  const tunl = await startTunl(['chain', '-c', writeFile(makeFolder('tunl'), free, second.port)]);
  onTestFinished(() => tunl.stop());
  const [direct = 0, tunnel = 0, web = 0, admin = 0] = (await tunl.waitForLine(listening)).slice(1).map(Number);
  return [
    { ports: one, target: first },
    { ports: { admin, direct, tunnel, web }, target: second },
  ];
}

/** Reads the names of the statistics that are not empty, and their texts. Ports are left out. */
async function readUsed({ ports }: World, filter: string): Promise<ReadonlyMap<string, string>> {
  const { body } = await askAdmin(ports.admin, `/stats?usedonly&filter=${encodeURIComponent(filter)}`);
  const lines = [...body.matchAll(/^(\S+): (.*)$/gm)];
  return new Map(lines.map(([, name = '', value = '']) => [name.replace(/127\.0\.0\.1_\d+/, 'PLACE'), value]));
}

describe.skipIf(!hasEnvoy)('what is counted of tunnels, beside Envoy with the same file and the same peers', () => {
  test('slow sides pause the same things, under the same names', async () => {
    const direct = {
      up: ['tcp.direct.downstream_flow_control_paused_reading_total'],
      down: ['cluster.direct.upstream_flow_control_paused_reading_total'],
    };
    const tunnel = {
      up: [
        'cluster.far.upstream_flow_control_backed_up_total',
        'http.ends.downstream_flow_control_paused_reading_total',
        'tcp.tunnel.downstream_flow_control_paused_reading_total',
      ],
      down: [
        'cluster.far.upstream_flow_control_paused_reading_total',
        'cluster.tunnel.upstream_flow_control_paused_reading_total',
      ],
    };
    const paused = [direct, tunnel].flatMap(({ up, down }) => [...up, ...down]);
    const resumed = paused.map((name) => name.replace('paused', 'resumed').replace('backed_up', 'drained'));
    for (const world of await startWorlds()) {
      await stall(world, world.ports.direct, direct);
      await stall(world, world.ports.tunnel, tunnel);
      await eventually(
        async () => [...(await readUsed(world, 'flow_control')).keys()],
        [...paused, ...resumed].toSorted(),
      );
    }
  });

  test('times are told of the same things, in the same form', async () => {
    const common = [
      ...['direct', 'far', 'origin', 'tunnel'].map((name) => `cluster.${name}.upstream_cx_connect_ms`),
      ...['direct', 'far'].map((name) => `cluster.${name}.upstream_cx_length_ms`),
      'cluster.origin.upstream_rq_time',
      'http.ends.downstream_rq_time',
      'http.web.downstream_cx_length_ms',
      'http.web.downstream_rq_time',
      'listener.PLACE.downstream_cx_length_ms',
    ];
    // Envoy counts requests once more by where they come from, and some ends of tunnels as answers.
    const own = ['far.external', 'far', 'origin.external'].map((name) => `cluster.${name}.upstream_rq_time`);
    const [envoy, tunl] = await startWorlds();
    const stories: readonly (readonly [World, readonly string[]])[] = [
      [envoy, own],
      [tunl, []],
    ];
    for (const [world, also] of stories) {
      for (const port of [world.ports.direct, world.ports.tunnel]) await visit(port, world.target);
      await request(world.ports.web, world.target);
      await eventually(
        async () => [...(await readUsed(world, timed)).keys()].filter((name) => !also.includes(name)).toSorted(),
        common.toSorted(),
      );
      const forms = [...(await readUsed(world, timed)).values()].map((text) =>
        text.replaceAll(/(?:nan|[\d.]+)(?=[,)])/g, 'N'),
      );
      expect([...new Set(forms)]).toEqual([
        ['0', '25', '50', '75', '90', '95', '99', '99.5', '99.9', '100'].map((each) => `P${each}(N,N)`).join(' '),
      ]);
    }
  });
});
