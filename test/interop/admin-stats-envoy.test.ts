import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { drain, pour } from '../support/bulk.ts';
import { waitForStall } from '../support/eventually.ts';
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

/** Sends bytes through a port in both directions, each time to a side that begins to read only when nothing moves. */
async function stall(port: number, target: Target): Promise<void> {
  const client = await connectPeer(port, { reading: false });
  const far = await target.accept({ reading: false });
  for (const [from, to] of [
    [client, far],
    [far, client],
  ] as const) {
    const pouring = pour(from.stream, bulk);
    await waitForStall(() => pouring.offered);
    const [sent, received] = await Promise.all([pouring.done, drain(to.stream)]);
    expect(received).toBe(sent);
  }
}

/** Starts both programs with the same file, each with a target of its own. */
async function startWorlds(): Promise<readonly [envoy: World, tunl: World]> {
  const [one, two] = [await findPorts(), await findPorts()];
  const [first, second] = [await startTarget(), await startTarget()];
  const envoy = await startEnvoyFile(async (direct, folder) => {
    Object.assign(one, { direct });
    return writeFile(folder, one, first.port, { stats_flush_on_admin: true });
  });
  onTestFinished(() => envoy.stop());
  // The start of Envoy tries the port, and the target hears of that.
  (await first.accept()).reset();
  const tunl = await startTunl(['chain', '-c', writeFile(makeFolder('tunl'), two, second.port)]);
  onTestFinished(() => tunl.stop());
  return [
    { ports: one, target: first },
    { ports: two, target: second },
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
    const [envoy, tunl] = await Promise.all(
      (await startWorlds()).map(async (world) => {
        for (const port of [world.ports.direct, world.ports.tunnel]) await stall(port, world.target);
        return [...(await readUsed(world, 'flow_control')).keys()];
      }),
    );
    expect(envoy).toContain('cluster.far.upstream_flow_control_backed_up_total');
    expect(tunl).toEqual(envoy);
  });
});
