import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, startTarget, type Target } from '../support/targets/plain.ts';
import { hasEnvoy } from './parts/envoy.ts';
import { startApache, startEnvoyFront, startHaproxy, startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { openTunnel } from './support/tunnels.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';

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
  { name: 'nginx', scheme: 'ws', start: startNginx },
  { name: 'Apache', scheme: 'ws', start: startApache },
  { name: 'haproxy', scheme: 'ws', start: startHaproxy },
  {
    name: 'nginx',
    scheme: 'wss',
    refusal: /takes no other protocols in HTTP\/2/g,
    start: (port) => startNginx(port, certs.server),
  },
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
  onTestFinished(async () => {
    for (const part of [forward, front, serve]) await part.stop();
  });
  return {
    port: forward.port,
    log: () => [forward, front, serve].map((part) => part.log()).join('\n'),
    /** Sessions of HTTP/2 that were opened, and those in which no WebSockets were taken. */
    sessions: () => forward.log().match(/HTTP\/2, max streams/g)?.length ?? 0,
    refusals: () => forward.log().match(refusal)?.length ?? 0,
  };
}

for (const front of fronts) registerTests(front);

function registerTests(front: Front) {
  describe.runIf(hasEnvoy || !front.name.startsWith('Envoy'))(`${front.scheme}:// through ${front.name}`, () => {
    test('carries what both sides send, byte for byte', async () => {
      const [there, back] = [randomBytes(bulkBytes), randomBytes(bulkBytes)];
      const target = await startTarget(answerAtEnd((all) => `${createHash('sha256').update(all).digest('hex')}`));
      const echoing = await startTarget((socket) => void socket.end(back));
      const way = await startWay(front, target);
      const up = await connectPeer(way.port);
      up.send(there);
      up.fin();
      expect((await up.readToEnd()).toString(), way.log()).toBe(createHash('sha256').update(there).digest('hex'));
      const other = await startWay(front, echoing);
      const down = await connectPeer(other.port);
      expect((await down.readToEnd()).equals(back), other.log()).toBe(true);
    });

    test('keeps the ends of both halves apart', async () => {
      const target = await startTarget();
      const way = await startWay(front, target);
      const ends = await openTunnel(way.port, target);
      ends.target.fin();
      expect(await ends.client.waitForEnd(), way.log()).toBe('fin');
      ends.client.send('still here');
      expect((await ends.target.read(10)).toString()).toBe('still here');
      ends.client.fin();
      expect(await ends.target.waitForEnd()).toBe('fin');
    });

    test('passes resets on in both directions, and never as an end', async () => {
      const target = await startTarget();
      const way = await startWay(front, target);
      const first = await openTunnel(way.port, target);
      first.target.reset();
      expect(await first.client.waitForEnd(), way.log()).toBe('reset');
      const second = await openTunnel(way.port, target);
      second.client.reset();
      expect(await second.target.waitForEnd(), way.log()).toBe('reset');
    });

    test('is asked in the highest version in which it takes WebSockets, and is remembered', async () => {
      const target = await startTarget();
      const way = await startWay(front, target);
      for (let round = 0; round < 2; round++) (await openTunnel(way.port, target)).client.reset();
      const expected = [front.scheme === 'wss' ? 1 : 0, front.refusal ? 1 : 0];
      expect([way.sessions(), way.refusals()], way.log()).toEqual(expected);
    });
  });
}
