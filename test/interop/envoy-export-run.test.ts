import { beforeAll, describe, onTestFinished, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import type { Target } from '../support/targets/plain.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { graphRunners, type WriteGraph } from './support/graph-runner.ts';
import type { Part } from './support/part.ts';
import { startTunl, startTunlServe, type TunlPart } from './support/tunl.ts';
import { expectOwnBytes, startEcho } from './support/tunnels.ts';

const mesh = await makeMesh();

/** The targets and the proxies that the graphs lead to. */
interface World {
  readonly echo: Target;
  readonly other: Target;
  /** A proxy in cleartext, and one in TLS. */
  readonly plain: TunlPart;
  readonly secure: TunlPart;
  readonly certs: Certs;
  /** The end of a mesh, as the URL of a hop. */
  readonly gateway: string;
}

/** Graphs that carry what comes to their port to a target that sends it back. */
const forwarding: readonly (readonly [name: string, write: (world: World) => WriteGraph])[] = [
  [
    'a port',
    ({ echo }) =>
      (port) =>
        `stages: { a: { listen: ${port}, to: 127.0.0.1:${echo.port} } }`,
  ],
  [
    'a name',
    ({ echo }) =>
      (port) =>
        `stages: { a: { listen: ${port}, to: localhost:${echo.port}, family: 4 } }`,
  ],
  [
    'two targets in turn',
    ({ echo, other }) =>
      (port) =>
        `stages: { a: { listen: ${port}, to: [127.0.0.1:${echo.port}, 127.0.0.1:${other.port}], balance: round-robin } }`,
  ],
  [
    'the first of two targets that is there',
    ({ echo }) =>
      (port) =>
        `stages: { a: { listen: ${port}, to: [127.0.0.1:1, 127.0.0.1:${echo.port}] } }`,
  ],
  [
    'a stage inside, and a Unix socket between two',
    ({ echo }) =>
      (port, folder) =>
        `stages:
  a: { listen: ${port}, to: internal://b }
  b: { to: unix:${folder}/s }
  c: { listen: 'unix:${folder}/s', to: 127.0.0.1:${echo.port} }`,
  ],
  [
    'CONNECT over HTTP/2 in a stage of its own',
    ({ echo, plain }) =>
      (port) =>
        `stages:
  ingress: { listen: ${port}, to: internal://encap }
  encap: { via: h2c://127.0.0.1:${plain.port}, to: 127.0.0.1:${echo.port} }`,
  ],
  [
    'POST over HTTP/2',
    ({ echo, plain }) =>
      (port) =>
        writeHops(port, echo, [`post+h2c://127.0.0.1:${plain.port}`]),
  ],
  [
    'POST over HTTP/1.1',
    ({ echo, plain }) =>
      (port) =>
        writeHops(port, echo, [`post+http://127.0.0.1:${plain.port}`]),
  ],
  [
    'a proxy in TLS that chooses its version',
    ({ echo, secure, certs }) =>
      (port) =>
        writeHops(port, echo, [`https://localhost:${secure.port}?cacert=${certs.ca.cert}`]),
  ],
  [
    'HBONE to a peer of a mesh, behind another proxy',
    ({ echo, plain, gateway }) =>
      (port) =>
        writeHops(port, echo, [`http://127.0.0.1:${plain.port}`, gateway]),
  ],
  [
    'three proxies, the second in TLS to its address',
    ({ echo, plain, secure, certs }) =>
      (port) =>
        writeHops(port, echo, [
          `http://127.0.0.1:${plain.port}`,
          `h2://127.0.0.1:${secure.port}?cacert=${certs.ca.cert}`,
          `post+h2c://127.0.0.1:${plain.port}`,
        ]),
  ],
];

function writeHops(port: number, { port: target }: Target, hops: readonly string[]): string {
  return `stages: { a: { listen: ${port}, via: ['${hops.join("', '")}'], to: 127.0.0.1:${target} } }`;
}

/** Graphs that are a proxy. */
const proxies: typeof forwarding = [
  ['for every target', () => (port) => `stages: { a: { listen: ${port}, proxy: true } }`],
  [
    'for one target',
    ({ echo }) =>
      (port) =>
        `stages: { a: { listen: ${port}, proxy: true, to: 127.0.0.1:${echo.port} } }`,
  ],
  [
    'for one target, through another proxy',
    ({ echo, plain }) =>
      (port) =>
        `stages: { a: { listen: ${port}, proxy: true, via: h2c://127.0.0.1:${plain.port}, to: 127.0.0.1:${echo.port} } }`,
  ],
  [
    'that passes on to another',
    ({ plain }) =>
      (port) =>
        `stages: { a: { listen: ${port}, proxy: true, via: h2c://127.0.0.1:${plain.port} } }`,
  ],
  [
    'that passes on through one to another',
    ({ plain, secure, certs }) =>
      (port) =>
        `stages: { a: { listen: ${port}, proxy: true, via: ['http://127.0.0.1:${plain.port}', 'h2://localhost:${secure.port}?cacert=${certs.ca.cert}'] } }`,
  ],
];

describe.skipIf(!hasEnvoy).each(graphRunners)('a graph that $name runs', ({ start }) => {
  let proxyParts: Omit<World, 'echo' | 'other'>;

  beforeAll(async () => {
    const certs = await makeCerts();
    const tls = ['--tls', '--cert', certs.server.cert, '--key', certs.server.key];
    const [own, other] = [await mesh.issue(spiffeId('gateway')), await mesh.issue(spiffeId('cart'))];
    const root = mesh.certs.ca.cert;
    const parts = await Promise.all([
      startTunlServe(['--grace', '0', '--post']),
      startTunlServe(['--grace', '0', ...tls]),
      startTunlServe(['--grace', '0', '--hbone', '--cert', own.cert, '--key', own.key, '--client-ca', root]),
    ]);
    const [plain, secure, peer] = parts as [TunlPart, TunlPart, TunlPart];
    const words = `cert=${other.cert}&key=${other.key}&cacert=${root}&peer=${spiffeId('gateway')}&baggage=k8s.namespace.name=shop`;
    const gateway = `hbone://127.0.0.1:${peer.port}?${words}&traceparent=no&forwarded=no`;
    proxyParts = { plain, secure, certs, gateway };
    return async () => void (await Promise.all(parts.map(({ stop }) => stop())));
  });

  async function run(write: (world: World) => WriteGraph): Promise<{ part: Part; echo: Target }> {
    const [echo, other] = [await startEcho(), await startEcho()];
    const part = await start(write({ ...proxyParts, echo, other }));
    onTestFinished(part.stop);
    return { part, echo };
  }

  test.each(forwarding)('carries bytes: %s', async (_name, write) => {
    const { part } = await run(write);
    await expectOwnBytes(part.port, 5);
  });

  test.each(proxies)('is a proxy %s', async (_name, write) => {
    const { part, echo } = await run(write);
    for (const scheme of ['http', 'h2c']) {
      const client = await startTunl([
        'forward',
        '--grace',
        '0',
        `0:localhost:${echo.port}`,
        '-x',
        `${scheme}://127.0.0.1:${part.port}`,
      ]);
      await expectOwnBytes(client.port, 5);
      await client.stop();
    }
  });
});
