import { describe, expect, test } from 'vitest';
import { formatFailure } from '../../../src/cli/terminal/fail.ts';
import type { Limits } from '../../../src/chain/model/graph.ts';
import { exitOf, TunlError } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { calmLimits, makeHop, makeRoute, startTestServe } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { answerWith, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { type Behaviour, echo, refusedAddress, stall, startTarget } from '../../support/targets/plain.ts';

/** Three hops of which the one at `place` fails and those before it are proxies of ours. */
async function makeChain(place: number, failing: Hop): Promise<Hop[]> {
  const before = Array.from({ length: place - 1 }, async () => makeHop('http', (await startTestServe()).port));
  const after = Array.from({ length: 3 - place }, () => makeHop('http', refusedAddress.port));
  return [...(await Promise.all(before)), failing, ...after];
}

async function failureOf(hops: readonly Hop[], limits: Partial<Limits> = {}): Promise<TunlError> {
  const target = { kind: 'tcp', host: 'db', port: 22 } as const;
  const { dial } = await makeRoute(hops, { ...calmLimits, ...limits });
  const error: unknown = await dial(target, makeContext(target)).catch((reason: unknown) => reason);
  if (!(error instanceof TunlError)) throw new Error('it did not fail as it should', { cause: error });
  return error;
}

const challenge = ['Proxy-Authenticate: Basic'];

/** The behaviour of one proxy, the scheme of its hop, and the failure of the chain that follows from it. */
const failures: readonly (readonly [
  what: string,
  scheme: string,
  proxy: Behaviour,
  outcome: readonly [code: string, phase: string, exit: number],
])[] = [
  ['refuses', 'http', answerWith(writeRefusal('403 Forbidden')), ['hop_refused', 'handshake', 97]],
  ['fails', 'http', answerWith(writeRefusal('503 Sorry')), ['hop_failed', 'handshake', 97]],
  ['asks who we are', 'http', answerWith(writeRefusal('407 Who', challenge)), ['auth_required', 'handshake', 67]],
  ['is no proxy', 'http', answerWith('220 mail ESMTP\r\n'), ['http_protocol_error', 'handshake', 97]],
  ['closes', 'http', answerWith(''), ['http_response_incomplete', 'handshake', 97]],
  ['says nothing', 'http', stall, ['http_response_timeout', 'handshake', 28]],
  ['says nothing in HTTP/2', 'h2c', stall, ['http_response_timeout', 'handshake', 28]],
  ['speaks no HTTP/2', 'h2c', answerWith(writeRefusal('400 What')), ['http_protocol_error', 'handshake', 97]],
  ['speaks no TLS', 'https', answerWith(writeRefusal('400 What')), ['tls_protocol_error', 'tls', 35]],
  ['says nothing in TLS', 'https', stall, ['connection_timeout', 'tls', 28]],
];

describe.each([1, 2, 3])('hop %i of three', (place) => {
  test.each(failures)('that %s is the one that is named', async (_, scheme, behave, outcome) => {
    const proxy = await startTarget(behave);
    const hops = await makeChain(place, makeHop(scheme, proxy.port));
    const error = await failureOf(hops, { handshakeMs: 700, tlsMs: 700 });
    expect([error.code, error.phase, exitOf(error)]).toEqual(outcome);
    expect([error.side, error.facts.hop]).toEqual(['hop', { index: place, count: 3 }]);
    expect(formatFailure(error)).toContain(`127.0.0.1:${proxy.port} `);
    expect(formatFailure(error)).toMatch(new RegExp(` \\(hop ${place} of 3\\)$`));
  });

  test('that shows a certificate of nobody is the one that is named', async () => {
    const proxy = await startTestServe({ tls: {} });
    const error = await failureOf(await makeChain(place, makeHop('https', proxy.port)));
    expect([error.code, error.phase, error.facts.hop?.index, exitOf(error)]).toEqual([
      'tls_certificate_error',
      'tls',
      place,
      60,
    ]);
  });
});

test('a first hop that is not there is told by us, a later one by the hop before it', async () => {
  const first = await failureOf(await makeChain(1, makeHop('http', refusedAddress.port)));
  expect([first.code, first.phase, first.side, first.facts.hop?.index]).toEqual([
    'connection_refused',
    'connect',
    'hop',
    1,
  ]);
  expect(formatFailure(first)).toBe('cannot connect to the proxy 127.0.0.1:1: connection refused (hop 1 of 3)');
  for (const place of [2, 3]) {
    const hops = await makeChain(place, makeHop('http', refusedAddress.port));
    const error = await failureOf(hops);
    const teller = hops[place - 2]?.address as { port: number };
    expect([error.code, error.phase, error.side, exitOf(error)]).toEqual(['connection_refused', 'handshake', 'hop', 7]);
    expect(formatFailure(error)).toBe(
      `127.0.0.1:${teller.port} refused CONNECT 127.0.0.1:1: 502 Bad Gateway (connection_refused) (hop ${place - 1} of 3)`,
    );
  }
});

test("a target that is not there is the target's fault, told by the last hop", async () => {
  const hops = await makeChain(3, makeHop('http', (await startTestServe()).port));
  const { dial } = await makeRoute(hops);
  const error: unknown = await dial(refusedAddress, makeContext(refusedAddress)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'connection_refused', side: 'target', facts: { hop: { index: 3, count: 3 } } });
});

test('a chain without a fault leads to the target', async () => {
  const hops = await makeChain(3, makeHop('http', (await startTestServe()).port));
  const target = await startTarget(echo);
  const { dial } = await makeRoute(hops);
  const peer = new RawPeer(await dial(target.address, makeContext(target.address)));
  peer.send('hello');
  expect(await peer.readUntil('hello')).toBe('hello');
  peer.fin();
  await peer.readToEnd();
});
