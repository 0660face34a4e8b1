import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DialContext, DialStep, Origin } from '../../src/core/dialer.ts';
import { exitOf, TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { resetError } from '../../src/core/link.ts';
import { makeHop, makeRoute } from '../support/harness/app.ts';
import { eventually } from '../support/eventually.ts';
import { type Arrival, startHbonePeer } from '../support/peers/hbone-peers.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

const mesh = await makeMesh();
const target = { kind: 'tcp', host: 'reviews.shop.svc.cluster.local', port: 9080 } as const;

const accept = ({ stream }: Arrival) => stream.respond({ ':status': 200 }, { waitForTrailers: true });

/** Dials the target through a scripted endpoint. */
async function dialThrough(answer: (arrival: Arrival) => void, hop: Partial<Hop> = {}, origin: Origin = { peer: {} }) {
  const peer = await startHbonePeer(mesh, answer);
  const route = await makeRoute([makeHop('hbone', peer.port, { tls: mesh.hopTls(), ...hop })]);
  const dial = async (more: Partial<DialContext> = {}) => {
    const link = await route.dial(target, { ...makeContext(target), origin, ...more });
    onTestFinished(() => link.reset(resetError('the test is over')));
    return link;
  };
  return { peer, dial };
}

async function failureOf(dialling: Promise<unknown>): Promise<TunlError> {
  const error: unknown = await dialling.catch((reason: unknown) => reason);
  if (!(error instanceof TunlError)) throw new Error('it did not fail as it should', { cause: error });
  return error;
}

describe('the request', () => {
  const from = (host: string): Origin => ({ peer: { address: { kind: 'tcp', host, port: 4711 } } });
  const traceparent = expect.stringMatching(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
  const always = { ':method': 'CONNECT', ':authority': 'reviews.shop.svc.cluster.local:9080' };

  test.each<[string, Record<string, string>, Origin, Record<string, unknown>]>([
    ['names nobody where nobody is known', {}, { peer: {} }, { traceparent }],
    ['names the client', {}, from('10.1.2.3'), { forwarded: 'for="10.1.2.3:4711"', traceparent }],
    ['puts IPv6 into brackets', {}, from('2001:db8::7'), { forwarded: 'for="[2001:db8::7]:4711"', traceparent }],
    ['says nothing that it need not', { forwarded: 'no', traceparent: 'no' }, from('10.1.2.3'), {}],
    [
      'says what it was told to',
      { baggage: 'k8s.namespace.name=shop,service.name=cart', network: 'net1', source: 'gateway', traceparent: 'no' },
      { peer: {} },
      {
        baggage: 'k8s.namespace.name=shop,service.name=cart',
        'x-forwarded-network': 'net1',
        'x-istio-source': 'gateway',
      },
    ],
  ])('%s', async (_, settings, origin, fields) => {
    const { peer, dial } = await dialThrough(accept, { settings }, origin);
    await dial();
    const { headers, ended } = await peer.next();
    expect(Object.fromEntries(Object.entries(headers))).toEqual({ ...always, ...fields });
    expect(ended).toBe(false);
  });

  test('has another trace id each time', async () => {
    const { peer, dial } = await dialThrough(accept);
    await Promise.all([dial(), dial()]);
    const [first, second] = [await peer.next(), await peer.next()];
    expect(first.headers['traceparent']).not.toBe(second.headers['traceparent']);
  });

  test('takes what the user adds, and tells proxies on the way', async () => {
    const { peer, dial } = await dialThrough(accept, { headers: [['X-A', 'b']] }, { peer: {}, via: ['1.1 tunl-1'] });
    await dial();
    expect((await peer.next()).headers).toMatchObject({ 'x-a': 'b', via: '1.1 tunl-1' });
  });
});

test('shows itself as ztunnel does: TLS 1.3, GCM, h2, no server name, large windows and frames', async () => {
  const { peer, dial } = await dialThrough(accept);
  await dial();
  const [session] = peer.sessions;
  const socket = session?.socket as TLSSocket;
  expect([socket.getProtocol(), socket.alpnProtocol, socket.servername]).toEqual(['TLSv1.3', 'h2', false]);
  expect(socket.getCipher().name).toMatch(/_GCM_/);
  expect(socket.getPeerCertificate().subjectaltname).toBe(`URI:${spiffeId('cart')}`);
  expect(session?.remoteSettings).toMatchObject({
    initialWindowSize: 4 << 20,
    maxFrameSize: 1 << 20,
    maxHeaderListSize: 65_536,
    enablePush: false,
  });
  await eventually(() => session?.state.remoteWindowSize, 16 << 20);
});

test('sends nothing into the tunnel before the answer', async () => {
  let early = 0;
  const { dial } = await dialThrough((arrival) => {
    arrival.stream.on('data', ({ length }: Buffer) => (early += length));
    setImmediate(() => accept(arrival));
  });
  const client = new RawPeer(await dial());
  expect(early).toBe(0);
  client.send('late');
  await eventually(() => early, 4);
});

test('tells each step of the way with its hop: the identity of the hop and its settings too', async () => {
  const { dial } = await dialThrough(accept);
  const steps: DialStep[] = [];
  await dial({ onProgress: (step) => void steps.push(step) });
  expect(steps.map(({ phase, hop }) => `${phase} ${hop}`)).toEqual([
    'dns 1',
    'connect 1',
    'tls 1',
    'handshake 1',
    'handshake 1',
  ]);
  expect(steps.map(({ detail }) => detail).join('\n')).toMatch(
    /TLSv1\.3, TLS_AES_256_GCM_SHA384, alpn h2, spiffe:.*\/gateway, trusting 1 authority from cacert .*\nHTTP\/2, max streams /,
  );
});

describe('an answer other than 200', () => {
  test.each([
    [200, undefined],
    [201, { code: 'hop_refused', side: 'hop', exit: 97 }],
    [204, { code: 'hop_refused', side: 'hop', exit: 97 }],
    [400, { code: 'hop_refused', side: 'hop', exit: 97, hint: /address/ }],
    [401, { code: 'auth_required', side: 'hop', exit: 67, hint: /authorization policy/ }],
    [403, { code: 'hop_refused', side: 'hop', exit: 97, hint: /authorization policy/ }],
    [404, { code: 'hop_refused', side: 'hop', exit: 97 }],
    [503, { code: 'destination_unavailable', side: 'target', exit: 7, hint: /service is unknown/ }],
  ] as const)('%i is explained', async (status, expected) => {
    const { dial } = await dialThrough(({ stream }) =>
      stream.respond({ ':status': status }, { endStream: status !== 200 }),
    );
    if (!expected) return expect(await dial()).toBeDefined();
    const error = await failureOf(dial());
    expect({ code: error.code, side: error.side, exit: exitOf(error) }).toMatchObject({
      code: expected.code,
      side: expected.side,
      exit: expected.exit,
    });
    expect(error.message).toMatch(new RegExp(`refused CONNECT reviews.shop.svc.cluster.local:9080: ${status}\\b`));
    expect(error.facts.received).toBe(status);
    if ('hint' in expected) expect(error.facts.hints?.join()).toMatch(expected.hint);
    return undefined;
  });
});

describe('sessions', () => {
  const as = (identity: string): Partial<DialContext> => ({ origin: { peer: { identity } } });

  test('are shared by tunnels of one identity and by nobody else', async () => {
    const { peer, dial } = await dialThrough(accept);
    await Promise.all([dial(as(spiffeId('a'))), dial(as(spiffeId('a'))), dial(as(spiffeId('b'))), dial()]);
    await dial(as(spiffeId('b')));
    expect(peer.sessions.length).toBe(3);
  });
});

describe('settings that cannot be meant', () => {
  const tls = mesh.hopTls();
  const { cert: _cert, key: _key, ...noCert } = tls;
  const { cacert: _cacert, ...noRoot } = tls;
  const pin = `sha256/${'A'.repeat(43)}`;

  test.each<[string, Partial<Hop>, RegExp]>([
    ['a certificate that is not looked at', { tls: { ...tls, insecure: true } }, /^insecure cannot be set/],
    ['a pin', { tls: { ...tls, pin } }, /^pin cannot be set/],
    ['a server name', { tls: { ...tls, servername: 'a.example' } }, /^servername cannot be set/],
    ['no certificate of ours', { tls: noCert }, /^our own certificate is needed/],
    ['no authorities of the mesh', { tls: noRoot }, /^the authorities of the mesh are needed/],
    [
      'a certificate of ours without a SPIFFE id',
      { tls: { ...tls, ...filesOf(mesh.certs.client) } },
      /holds no SPIFFE id$/,
    ],
    ['a user', { tls, credentials: { user: 'u', password: { reveal: () => 'p' } as never } }, /has no place for one$/],
  ])('%s', async (_, hop, message) => {
    const error = await failureOf(makeRoute([makeHop('hbone', 15008, hop)]));
    expect([error.code, exitOf(error)]).toEqual(['usage', 2]);
    expect(error.message).toMatch(message);
  });
});

function filesOf({ cert, key }: { cert: string; key: string }) {
  return { cert, key };
}
