import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminAnswer, askAdmin, type AskOptions } from '../support/harness/admin.ts';
import { hasEnvoy, startEnvoyFile } from './parts/envoy.ts';
import type { Part } from './support/part.ts';
import { startTunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

/** One listener of TCP and an admin address. */
function writeFile(admin: number, folder: string): string {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const tcpProxy = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'main',
    cluster: 'there',
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(9) } }] }];
  const file = join(folder, 'envoy.yaml');
  const bootstrap = {
    admin: { address: address(admin) },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: address(0),
          filter_chains: [{ filters: [{ name: 'tcp', typed_config: tcpProxy }] }],
        },
      ],
      clusters: [{ name: 'there', load_assignment: { cluster_name: 'there', endpoints } }],
    },
  };
  writeFileSync(file, JSON.stringify(bootstrap));
  return file;
}

describe.skipIf(!hasEnvoy)('the admin address beside that of Envoy, with one file', () => {
  const parts: Part[] = [];
  let ports: readonly [envoy: number, tunl: number];

  beforeAll(async () => {
    const envoy = await startEnvoyFile(async (port, folder) => writeFile(port, folder));
    parts.push(envoy);
    const chain = await startTunl(['chain', '-c', writeFile(0, makeFolder('tunl'))]);
    parts.push(chain);
    const [, port] = await chain.waitForLine(/^tunl: admin 127\.0\.0\.1:(\d+)$/m);
    ports = [envoy.port, Number(port)];
  });

  afterAll(() => Promise.all(parts.map((part) => part.stop())));

  const askBoth = async (path: string, options?: AskOptions): Promise<[envoy: AdminAnswer, tunl: AdminAnswer]> =>
    Promise.all([askAdmin(ports[0], path, options), askAdmin(ports[1], path, options)]);

  test.each([
    ['/ready', 'GET'],
    ['/listeners', 'GET'],
    ['/listeners?format=json', 'GET'],
    ['/healthcheck/fail', 'POST'],
    ['/ready', 'GET'],
    ['/healthcheck/ok', 'POST'],
    ['/ready', 'GET'],
  ])('%s by %s has the same status and the same text', async (path, method) => {
    const [envoy, tunl] = (await askBoth(path, { method })).map(({ status, body }) => ({
      status,
      text: body.replaceAll(/(:\d+$|"port_value": \d+)/gm, 'PORT'),
    }));
    expect(tunl).toEqual(envoy);
  });

  test.each([
    ['/nowhere', 'GET'],
    ['/quitquitquit', 'GET'],
    ['/drain_listeners', 'GET'],
    ['/stats?filter=(', 'GET'],
    ['/logging?level=loud', 'POST'],
  ])('%s by %s has the same status', async (path, method) => {
    const [envoy, tunl] = await askBoth(path, { method });
    expect([path, tunl.status]).toEqual([path, envoy.status]);
  });

  test('what both print as JSON has the same names', async () => {
    const [envoyInfo, tunlInfo] = (await askBoth('/server_info')).map(({ body }) => Object.keys(JSON.parse(body)));
    expect(envoyInfo).toEqual(expect.arrayContaining(tunlInfo ?? []));
    expect(tunlInfo).toEqual(expect.arrayContaining(['version', 'state', 'uptime_current_epoch', 'node']));
    const [envoyHost, tunlHost] = (await askBoth('/clusters?format=json')).map(({ body }) => {
      const { cluster_statuses: clusters } = JSON.parse(body) as {
        cluster_statuses: { host_statuses: { address: object; stats: { name: string }[] }[] }[];
      };
      const [host] = clusters[0]?.host_statuses ?? [];
      return { address: host?.address, names: host?.stats.map(({ name }) => name) ?? [] };
    });
    expect(tunlHost?.address).toEqual(envoyHost?.address);
    expect(envoyHost?.names).toEqual(expect.arrayContaining(tunlHost?.names ?? []));
  });

  test('what both count and Prometheus reads has the same names', async () => {
    const [envoy, tunl] = (await askBoth('/stats/prometheus')).map(
      ({ body }) => new Set([...body.matchAll(/^# TYPE (envoy_\S+ \S+)$/gm)].map(([, name = '']) => name)),
    );
    expect(tunl?.size).toBeGreaterThan(3);
    expect([...(tunl ?? [])].filter((name) => !envoy?.has(name))).toEqual([]);
  });
});
