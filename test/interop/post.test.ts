import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startBlackhole } from '../support/peers/blackhole.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../support/targets/plain.ts';
import { type EnvoyPart, startEnvoyTerminator } from './parts/envoy.ts';
import { startSquid } from './parts/squid.ts';
import { startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { formatHops, startTunl, startTunlServe, tunl } from './support/tunl.ts';
import { expectBytes, makeWay } from './support/way.ts';

const bulkBytes = amount(5_000_000, 200_000_000);

/** Fits into the window that `forward` gives over HTTP/2. Envoy drops what does not, once the target has ended before the client. */
const wayBytes = 2_000_000;

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const hopUrls = [
  'post+http://127.0.0.1:PORT',
  'post+h2c://127.0.0.1:PORT',
  'post+https://127.0.0.1:PORT',
  'post+https://127.0.0.1:PORT?alpn=http/1.1',
] as const;

/** Starts nginx in front of `serve`; it is at the port of this hop. */
async function startFront(hopUrl: string, passesRequests: boolean) {
  const serve = await startTunlServe(['--post', '--poll']);
  const isSecured = hopUrl.includes('+https:');
  const clearHttp2 = hopUrl.includes('+h2c:');
  const nginx = await startNginx(serve.port, isSecured ? certs.server : undefined, { passesRequests, clearHttp2 });
  const hop = hopUrl.replace('PORT', String(nginx.port));
  const words = [...formatHops([hop]), '--cacert', certs.ca.cert];
  return { words, parts: [nginx, serve] as const };
}

async function startWay(hopUrl: string, passesRequests: boolean, target: Target) {
  const { words, parts } = await startFront(hopUrl, passesRequests);
  const forward = await startTunl(['forward', ...words, `:127.0.0.1:${target.port}`]);
  return makeWay(forward, ...parts);
}

// Answers flow whatever proxy_buffering says: `serve` asks for it.
describe.each(hopUrls)('through nginx that passes requests on as they come, %s', (hopUrl) => {
  const toTarget = (target: Target) => startWay(hopUrl, true, target);

  test('each side receives what the other sends, byte for byte', () => expectBytes(toTarget, bulkBytes));

  test('bytes flow both ways at once, and the client may speak first', async () => {
    const { port, log } = await toTarget(await startTarget((socket) => void socket.pipe(socket)));
    const client = await connectPeer(port);
    client.send('first');
    expect((await client.read(5)).toString(), log()).toBe('first');
    const bytes = randomBytes(bulkBytes);
    client.send(bytes);
    expect((await client.read(bulkBytes)).equals(bytes), log()).toBe(true);
  });
});

test.each(hopUrls)(
  'nginx that keeps requests until they are whole is a failure that names the way out, %s',
  async (hopUrl) => {
    const { words, parts } = await startFront(hopUrl, false);
    onTestFinished(async () => {
      for (const part of parts) await part.stop();
    });
    const target = await startTarget();
    const { code, stderr } = await tunl(['connect', ...words, '--handshake-timeout', '1s', `127.0.0.1:${target.port}`]);
    expect(stderr).toMatch(/did not answer POST 127\.0\.0\.1:\d+ within 1s/);
    expect(stderr).toMatch(/hint: .*proxy_request_buffering.* poll\+https:\/\/ get through/);
    expect([code, target.accepted]).toEqual([28, 0]);
  },
);

test.each(hopUrls)('nginx that keeps requests is found out long before the answer is late, %s', async (hopUrl) => {
  const { words, parts } = await startFront(hopUrl, false);
  onTestFinished(async () => {
    for (const part of parts) await part.stop();
  });
  const target = await startTarget();
  const { code, stderr } = await tunl(['connect', ...words, `127.0.0.1:${target.port}`]);
  expect(stderr).toMatch(/keeps requests until they are whole/);
  expect(stderr).toMatch(/hint: .*poll\+https?:\/\/127\.0\.0\.1:\d+/);
  expect([code, target.accepted]).toEqual([28, 0]);
});

/** The words that lead to a far end, and all that runs for it. */
interface PlainWay {
  readonly words: readonly string[];
  readonly parts: readonly [Part, ...Part[]];
  /** What `connect` says if the target does not answer. */
  readonly says: RegExp;
  /** The far end, if it is an Envoy. */
  readonly envoy?: EnvoyPart;
}

/** Envoy waits 5 s for a target. */
const givenUp = /refused POST 127\.0\.0\.1:\d+: 503 Service Unavailable/;

/** Far ends, and what stands before them, that pass a request on as it comes. */
const plainWays: Readonly<Record<string, () => Promise<PlainWay>>> = {
  'an Envoy as the far end, over HTTP/1.1': async () => {
    const envoy = await startEnvoyTerminator();
    return { words: formatHops([`post+http://127.0.0.1:${envoy.port}`]), parts: [envoy], says: givenUp, envoy };
  },
  'an Envoy as the far end, over HTTP/2': async () => {
    const envoy = await startEnvoyTerminator();
    return { words: formatHops([`post+h2c://127.0.0.1:${envoy.port}`]), parts: [envoy], says: givenUp, envoy };
  },
  'a squid on the way': async () => {
    const serve = await startTunlServe(['--post']);
    const squid = await startSquid();
    const words = formatHops([`http://127.0.0.1:${squid.port}`, `post+http://127.0.0.1:${serve.port}`]);
    return { words, parts: [squid, serve], says: /did not answer POST 127\.0\.0\.1:\d+ within 6s/ };
  },
};

describe.each(Object.entries(plainWays))('%s', (_name, start) => {
  test('each side receives what the other sends, byte for byte', () =>
    expectBytes(async (target) => {
      const { words, parts } = await start();
      return makeWay(await startTunl(['forward', ...words, `:127.0.0.1:${target.port}`]), ...parts);
    }, wayBytes));

  test('a target that does not answer is not taken for a way that keeps requests', async () => {
    const { words, parts, says, envoy } = await start();
    onTestFinished(async () => {
      for (const part of parts) await part.stop();
    });
    const { address } = await startBlackhole();
    const target = `127.0.0.1:${address.port}`;
    const { code, stderr } = await tunl(['connect', '-v', ...words, '--handshake-timeout', '6s', target]);
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('something on the way to');
    expect(code).not.toBe(0);
    // The tunnel, and both requests of the probe: otherwise nothing was found out.
    if (envoy) expect(await envoy.readCounter('http.front.downstream_rq_total')).toBe(3);
  });
});

describe.each([false, true])('poll+https:// through nginx, which passes requests on as they come: %s', (passes) => {
  test('each side receives what the other sends, byte for byte', () =>
    expectBytes((target) => startWay('poll+https://127.0.0.1:PORT', passes, target), bulkBytes));
});
