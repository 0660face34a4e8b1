import { expect, test } from 'vitest';
import { schemes } from '../../../src/carriers/index.ts';
import { exitOf } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { failureOf } from '../../conformance/carrier-bed.ts';
import { eventually } from '../../support/eventually.ts';
import { makeHop, makeRoute, startTestForward, startTestServe } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import {
  connectRefused,
  expectEcho,
  h2Refused,
  type Manners,
  startModesBed,
  waysOf,
} from '../../support/harness/modes-bed.ts';
import { startMiddlebox } from '../../support/peers/middlebox.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, refusedAddress, startTarget } from '../../support/targets/plain.ts';

test('no mode of the registry is cleartext, and each is one of a scheme', () => {
  const modes = schemes.flatMap(({ carrier }) => carrier.modes ?? []);
  expect(modes.length).toBeGreaterThanOrEqual(5);
  for (const mode of modes) expect(schemes.find(({ scheme }) => scheme === mode.scheme)?.tls).toBeDefined();
});

test('the first mode that works is used', async () => {
  const target = await startTarget(echo);
  const { front, dial, serve, notices } = await startModesBed();
  await expectEcho(await dial(target.address));
  expect(target.accepted).toBe(1);
  expect(notices).toEqual([
    expect.stringMatching(`^auto\\+https://127\\.0\\.0\\.1:${front.port}: HTTP/[12.]+: works$`),
  ]);
  await eventually(
    () => serve.events.filter(({ event }) => event.startsWith('tunnel.')).map(({ event }) => event),
    ['tunnel.opened', 'tunnel.closed'],
  );
});

test.each([
  ['HTTP/1.1, where HTTP/2 is refused', h2Refused, ['h2 CONNECT', 'h1 CONNECT']],
  ['HTTP/1.1, where HTTP/2 is not known', { 'h2 CONNECT': 501 }, ['h2 CONNECT', 'h1 CONNECT']],
  ['WebSocket, where CONNECT is refused', connectRefused, ['h2 CONNECT', 'h1 CONNECT', 'h1 GET']],
  [
    'POST, where Upgrade is refused too',
    { ...connectRefused, 'h1 GET': 400 },
    ['h2 CONNECT', 'h1 CONNECT', 'h1 GET', 'h2 POST'],
  ],
  [
    'poll, where the far end takes nothing else',
    { ...connectRefused, 'h1 GET': 400, 'h2 POST': 413 },
    ['h2 CONNECT', 'h1 CONNECT', 'h1 GET', 'h2 POST', 'h1 poll'],
  ],
  [
    'the next one, where a web server answers 200 to everything',
    { 'h2 CONNECT': 'closes', 'h1 CONNECT': 'hollow' },
    ['h2 CONNECT', 'h1 CONNECT', 'h1 GET'],
  ],
] as const)('goes on at once to %s', async (_, manners, ways) => {
  const target = await startTarget(echo);
  const { front, dial, notices, serve } = await startModesBed(manners);
  const began = performance.now();
  await expectEcho(await dial(target.address));
  // Far less than the time that modes which say nothing are given.
  expect(performance.now() - began).toBeLessThan(3000);
  // On a busy machine a mode may be begun, and even win, before the answer to the one before it.
  expect([...ways, 'h1 GET', 'h2 POST', 'h1 poll']).toEqual(expect.arrayContaining(waysOf(front)));
  expect(target.accepted).toBe(1);
  expect(notices.at(-1)).toMatch(/: works$/);
  expect(serve.eventsOf('tunnel.failed')).toEqual([]);
});

test.each<[string, Manners]>([
  ['says nothing', { 'h2 CONNECT': 'silent', 'h1 CONNECT': 'silent' }],
  ['accepts and says nothing more', { 'h2 CONNECT': 'hollow', 'h1 CONNECT': 'hollow' }],
  ['is slow', { 'h2 CONNECT': { passesAfterMs: 5000 }, 'h1 CONNECT': { passesAfterMs: 5000 } }],
])('a mode that %s delays the others by 300 ms each, and the target is dialled once', async (_, manners) => {
  const target = await startTarget(echo);
  const { dial, notices } = await startModesBed(manners);
  const began = performance.now();
  await expectEcho(await dial(target.address));
  expect(performance.now() - began).toBeLessThan(3000);
  expect(notices.at(-1)).toMatch(/: WebSocket: works$/);
  expect(target.accepted).toBe(1);
});

test.each<[string, Manners]>([
  ['answer', { ...connectRefused, 'h1 GET': 400, 'h2 POST': 413 }],
  ['say nothing', { 'h2 CONNECT': 'silent', 'h1 CONNECT': 'silent', 'h1 GET': 'silent', 'h2 POST': 'silent' }],
])('poll carries a tunnel where the other modes %s, and is asked first from then on', async (_, manners) => {
  const target = await startTarget(echo);
  const { front, dial, notices, serve } = await startModesBed(manners);
  await expectEcho(await dial(target.address));
  expect(notices.at(-1)).toMatch(/: poll: works$/);
  const before = front.seen.length;
  await expectEcho(await dial(target.address));
  expect(waysOf(front)[before]).toBe('h1 poll');
  expect(target.accepted).toBe(2);
  await eventually(() => serve.running.tunnels.size, 0);
  expect(serve.eventsOf('tunnel.failed')).toEqual([]);
});

test('the modes that lose are closed, and leave no record', async () => {
  const target = await startTarget(echo);
  const { dial, serve } = await startModesBed({ 'h2 CONNECT': { passesAfterMs: 400 } });
  const link = await dial(target.address);
  await expectEcho(link);
  await eventually(() => serve.running.tunnels.size, 0);
  expect(serve.eventsOf('tunnel.failed')).toEqual([]);
  expect(serve.eventsOf('tunnel.opened')).toHaveLength(1);
});

test('what worked is asked first from then on', async () => {
  const target = await startTarget(echo);
  const { front, dial } = await startModesBed(connectRefused);
  await expectEcho(await dial(target.address));
  const before = front.seen.length;
  await expectEcho(await dial(target.address));
  expect(waysOf(front)[before]).toBe('h1 GET');
});

test('a mode that is remembered comes first, and what works instead is kept', async () => {
  const kept: string[] = [];
  const knownMode = { name: 'WebSocket', keep: (name: string) => void kept.push(name) };
  const { front, dial } = await startModesBed({ 'h1 GET': 404 }, { hop: { knownMode } });
  await expectEcho(await dial((await startTarget(echo)).address));
  expect(waysOf(front)[0]).toBe('h1 GET');
  expect(kept).toEqual([expect.stringMatching(/^HTTP\/[12.]+$/)]);
});

test('a target that refuses is told as through one hop, and asked for once', async () => {
  const { dial, serve } = await startModesBed(h2Refused);
  const error = await failureOf(dial());
  expect([error.code, error.side, exitOf(error), error.facts.received]).toEqual([
    'connection_refused',
    'target',
    7,
    502,
  ]);
  expect(error.message).toMatch(/ refused CONNECT 127\.0\.0\.1:1: 502 /);
  expect(serve.eventsOf('tunnel.failed')).toHaveLength(1);
});

test('a target that the far end does not allow ends it', async () => {
  const target = await startTarget(echo);
  const { dial, serve } = await startModesBed({}, { serve: { deny: ['127.0.0.1'] } });
  const error = await failureOf(dial(target.address));
  expect([error.code, error.facts.received]).toEqual(['destination_ip_prohibited', 403]);
  expect(serve.eventsOf('tunnel.failed')).toHaveLength(1);
  expect(target.accepted).toBe(0);
});

test('where no mode works, the error names the failure of each', async () => {
  const manners = { ...connectRefused, 'h1 GET': 'closes', 'h2 POST': 413, 'h1 poll': 404 } as const;
  const { dial, front } = await startModesBed(manners);
  const error = await failureOf(dial());
  const place = `127.0.0.1:${front.port}`;
  expect(error.message).toMatch(
    new RegExp(
      `^no way to ${place} works: HTTP/2: refused CONNECT tunl\\.invalid:443: 405 Method Not Allowed; ` +
        'HTTP/1\\.1: refused CONNECT tunl\\.invalid:443: 403 No; WebSocket: closed .+; POST: refused POST .+: 413 .+; poll: refused POST .+: 404 No$',
    ),
  );
  expect([error.code, exitOf(error), error.facts.hop?.index]).toEqual(['hop_refused', 97, 1]);
});

test('where all fail alike, that is said once', async () => {
  const { dial } = await startModesBed({
    'h2 CONNECT': 'closes',
    'h1 CONNECT': 'closes',
    'h1 GET': 'closes',
    'h2 POST': 'closes',
    'h1 poll': 'closes',
  });
  const error = await failureOf(dial());
  expect(error.message).toMatch(/^no way to /);
  const gone = makeHop('auto+https', refusedAddress.port);
  const route = await makeRoute([gone]);
  const refused = await failureOf(route.dial(refusedAddress, makeContext(refusedAddress)));
  expect([exitOf(refused), refused.message]).toEqual([
    7,
    'cannot connect to the proxy 127.0.0.1:1: connection refused',
  ]);
});

test('a serve without --resume is told as what lacks it', async () => {
  const { dial } = await startModesBed({}, { serve: { resumeMs: 0 } });
  const error = await failureOf(dial());
  expect([error.code, exitOf(error)]).toEqual(['http_request_error', 97]);
  expect(error.message).toMatch(/ opens no sessions$/);
  expect(error.facts.hints?.join()).toMatch(/--resume/);
});

test('it goes behind another proxy, which may allow CONNECT to one port only', async () => {
  const target = await startTarget(echo);
  const { hop, front } = await startModesBed();
  const near = await startTestServe({ allow: [`127.0.0.1:${front.port}`] });
  const route = await makeRoute([makeHop('http', near.port), hop]);
  await expectEcho(await route.dial(target.address, makeContext(target.address)));
  expect(near.eventsOf('tunnel.opened').map(({ target: to }) => to)).toEqual([`127.0.0.1:${front.port}`]);
  const refusing = await startTestServe({ deny: ['127.0.0.1'] });
  const refused = await makeRoute([makeHop('http', refusing.port), hop]);
  const error = await failureOf(refused.dial(target.address, makeContext(target.address)));
  expect([error.facts.hop?.index, error.facts.received]).toEqual([1, 403]);
});

test('it may stand before another proxy', async () => {
  const target = await startTarget(echo);
  const { hop } = await startModesBed();
  const last = await startTestServe();
  const route = await makeRoute([hop, makeHop('http', last.port)]);
  await expectEcho(await route.dial(target.address, makeContext(target.address)));
  expect(last.eventsOf('tunnel.opened')).toHaveLength(1);
});

const readText = async (peer: RawPeer, text: string) => expect((await peer.read(text.length)).toString()).toBe(text);

test.each([true, false])('a tunnel whose connection is cut goes on if it may be resumed (%s)', async (isResumed) => {
  const target = await startTarget();
  const { front, serve } = await startModesBed(connectRefused);
  const box = await startMiddlebox(front.port);
  const settings = isResumed ? { resume: '1m' } : {};
  const hop = makeHop('auto+https', box.port, {
    tls: { pin: front.pin },
    settings: settings as Record<string, string>,
  });
  const forward = await startTestForward(target.address, { hops: [hop] });
  const client = await connectPeer(forward.port);
  const far = await target.accept();
  client.send('one');
  await readText(far, 'one');
  // The way that was taken does not work any more.
  front.manners['h1 GET'] = 403;
  delete front.manners['h1 CONNECT'];
  box.cut();
  if (isResumed) {
    client.send('two');
    await readText(far, 'two');
    far.send('three');
    await readText(client, 'three');
    expect(waysOf(front).slice(-2)).toEqual(['h1 GET', 'h1 CONNECT']);
    expect(forward.eventsOf('tunnel.resumed').map(({ resumed }) => resumed)).toEqual([1]);
  } else {
    expect([await client.waitForEnd(), await far.waitForEnd()]).toEqual(['reset', 'reset']);
    expect(forward.eventsOf('tunnel.waiting')).toEqual([]);
    expect(serve.eventsOf('tunnel.waiting')).toEqual([]);
  }
  expect(target.accepted).toBe(1);
});

test.each([
  [{ tls: { alpn: 'h2' } }, /has no alpn$/],
  [{ settings: { resume: '1m,optional' } }, /can always be resumed$/],
  [{ headers: [['Host', 'other']] }, /Host/],
] as const)('a hop that cannot be is refused before anything is opened: %o', async (more, message) => {
  const hop = makeHop('auto+https', 1, more as Partial<Hop>);
  await expect(makeRoute([hop])).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
});
