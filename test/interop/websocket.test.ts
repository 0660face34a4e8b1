import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startTarget, type Target } from '../support/targets/plain.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { startApache, startEnvoyFront, startHaproxy, startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { openTunnel } from './support/tunnels.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';
import { expectBytes, expectHalves, expectResets, makeWay } from './support/way.ts';

const bulkBytes = amount(20_000_000, 200_000_000);

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

/** A front end, and with what it refuses WebSockets over HTTP/2, if it does: then it is asked over HTTP/1.1. */
interface Front {
  readonly name: string;
  readonly scheme: 'ws' | 'wss';
  readonly refusal?: RegExp;
  readonly start: (backendPort: number) => Promise<Part>;
}

const fronts: readonly Front[] = [
  { name: 'nginx', scheme: 'ws', start: (port) => startNginx(port) },
  { name: 'Apache', scheme: 'ws', start: startApache },
  { name: 'haproxy', scheme: 'ws', start: startHaproxy },
  {
    name: 'nginx',
    scheme: 'wss',
    refusal: /takes no other protocols in HTTP\/2/g,
    start: (port) => startNginx(port, certs.server),
  },
  { name: 'Apache', scheme: 'wss', start: (port) => startApache(port, certs.server) },
  { name: 'haproxy', scheme: 'wss', start: (port) => startHaproxy(port, certs.server) },
  {
    name: 'Envoy that speaks HTTP/1.1 with its backend',
    scheme: 'wss',
    refusal: /refused GET \S+: 400 Bad Request/g,
    start: (port) => startEnvoyFront(port, certs.server, 'h1'),
  },
  {
    name: 'Envoy that speaks HTTP/2 with its backend',
    scheme: 'wss',
    start: (port) => startEnvoyFront(port, certs.server, 'h2'),
  },
];

/** Starts `forward` to a target, through a front end and `serve --ws` behind it. */
async function startWay({ scheme, refusal = /^$/g, start }: Front, target: Target) {
  const serve = await startTunlServe(['--ws']);
  const front = await start(serve.port);
  const hop = `${scheme}://127.0.0.1:${front.port}`;
  const trust = scheme === 'wss' ? ['--cacert', certs.ca.cert] : [];
  const forward = await startTunl(['forward', '-v', '-x', hop, ...trust, `:127.0.0.1:${target.port}`]);
  return {
    ...makeWay(forward, front, serve),
    /** Sessions of HTTP/2 that were opened, and those in which no WebSockets were taken. */
    sessions: () => forward.log().match(/HTTP\/2, max streams/g)?.length ?? 0,
    refusals: () => forward.log().match(refusal)?.length ?? 0,
  };
}

for (const front of fronts) registerTests(front);

function registerTests(front: Front) {
  describe.runIf(hasEnvoy || !front.name.startsWith('Envoy'))(`${front.scheme}:// through ${front.name}`, () => {
    const toTarget = (target: Target) => startWay(front, target);

    test('carries what both sides send, byte for byte', () => expectBytes(toTarget, bulkBytes));

    test('keeps the ends of both halves apart', () => expectHalves(toTarget));

    test('passes resets on in both directions, and never as an end', () => expectResets(toTarget));

    test('is asked in the highest version in which it takes WebSockets, and is remembered', async () => {
      const target = await startTarget();
      const way = await toTarget(target);
      for (let round = 0; round < 2; round++) (await openTunnel(way.port, target)).client.reset();
      const expected = [front.scheme === 'wss' ? 1 : 0, front.refusal ? 1 : 0];
      expect([way.sessions(), way.refusals()], way.log()).toEqual(expected);
    });
  });
}
