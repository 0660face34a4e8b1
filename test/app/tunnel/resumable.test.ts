import { expect, test } from 'vitest';
import {
  calmLimits,
  findPin,
  makeHop,
  startTestForward,
  startTestServe,
  type TestApp,
} from '../../support/harness/app.ts';
import { drain, pour } from '../../support/bulk.ts';
import { eventually } from '../../support/eventually.ts';
import { type Passage, startMiddlebox } from '../../support/peers/middlebox.ts';
import { connectPeer, type RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget, type Target } from '../../support/targets/plain.ts';

const minute = 60_000;
const asked = { settings: { resume: '1m' } };

/** Lets so many bytes pass over each connection, and then cuts it. */
function passUntil(bytes: number, cut: () => void): () => Passage {
  return () => {
    let left = bytes;
    return async (chunk, send) => {
      left -= chunk.length;
      if (left > 0) await send(chunk);
      else cut();
    };
  };
}

interface Bed {
  readonly serve: TestApp;
  readonly forward: TestApp;
  readonly cut: () => void;
  readonly connect: () => Promise<RawPeer>;
}

/** A forward to a target, through a network that can be cut and a proxy. */
async function startBed(
  target: Target,
  scheme = 'http',
  { settings = asked.settings, resumeMs = minute } = {},
): Promise<Bed> {
  const isSecured = scheme === 'wss';
  const accept = ['post', 'ws'];
  const serve = await startTestServe({ accept, ...(isSecured && { tls: {} }), ...(resumeMs > 0 && { resumeMs }) });
  const box = await startMiddlebox(serve.port);
  const hop = makeHop(scheme, box.port, { settings, ...(isSecured && { tls: { pin: findPin(serve) } }) });
  const forward = await startTestForward(target.address, { hops: [hop] });
  return { serve, forward, cut: box.cut, connect: () => connectPeer(forward.port) };
}

const readText = async (peer: RawPeer, text: string) => expect((await peer.read(text.length)).toString()).toBe(text);

test.each(['http', 'h2c', 'post+http', 'post+h2c', 'ws', 'wss'])(
  '%s: a tunnel goes on when its connection is cut',
  async (scheme) => {
    const target = await startTarget();
    const { serve, forward, cut, connect } = await startBed(target, scheme);
    const client = await connect();
    const far = await target.accept();
    client.send('before ');
    await readText(far, 'before ');
    for (const round of [1, 2]) {
      cut();
      client.send(`cut ${round} `);
      far.send(`answer ${round} `);
      await readText(far, `cut ${round} `);
      await readText(client, `answer ${round} `);
      await eventually(
        () =>
          forward
            .eventsOf('tunnel.resumed')
            .map(({ resumed }) => resumed)
            .at(-1),
        round,
      );
    }
    client.fin();
    expect(await far.waitForEnd()).toBe('fin');
    cut();
    far.send('last words');
    far.fin();
    expect((await client.readToEnd()).toString()).toBe('last words');
    expect(target.accepted).toBe(1);
    const ends = (app: TestApp) => app.eventsOf('tunnel.closed').map(({ end, resumed }) => ({ end, resumed }));
    await eventually(() => ends(forward), [{ end: 'clean', resumed: 3 }]);
    await eventually(() => ends(serve), [{ end: 'clean', resumed: 3 }]);
    expect([...serve.eventsOf('tunnel.failed'), ...forward.eventsOf('tunnel.failed')]).toEqual([]);
  },
);

test.each(['http', 'h2c', 'ws'])('%s: connections that carry little lose and double nothing', async (scheme) => {
  const target = await startTarget(echo);
  const serve = await startTestServe({ accept: ['ws'], resumeMs: minute });
  let cuts = 0;
  const onCut = () => {
    cuts++;
    box.cut();
  };
  const passages = { toServer: passUntil(600_000, onCut), toClient: passUntil(700_000, onCut) };
  const box = await startMiddlebox(serve.port, passages);
  const forward = await startTestForward(target.address, { hops: [makeHop(scheme, box.port, asked)] });
  const { stream } = await connectPeer(forward.port, { reading: false });
  const got = drain(stream);
  const sent = await pour(stream, 4 << 20).done;
  expect(await got).toBe(sent);
  expect(cuts).toBeGreaterThan(5);
  await eventually(() => forward.eventsOf('tunnel.closed').map(({ end }) => end), ['clean']);
});

test('it goes on through two proxies of which the first is cut', async () => {
  const target = await startTarget();
  const [near, far] = [await startTestServe(), await startTestServe({ resumeMs: minute })];
  const box = await startMiddlebox(near.port);
  const hops = [makeHop('http', box.port), makeHop('http', far.port, asked)];
  const forward = await startTestForward(target.address, { hops });
  const client = await connectPeer(forward.port);
  const end = await target.accept();
  client.send('one');
  await readText(end, 'one');
  box.cut();
  client.send('two');
  await readText(end, 'two');
  end.send('three');
  await readText(client, 'three');
  expect(near.eventsOf('tunnel.opened')).toHaveLength(2);
  expect(far.eventsOf('tunnel.opened')).toHaveLength(1);
});

test('a tunnel whose ends come while it waits is not cut for lingering', async () => {
  const target = await startTarget();
  const limits = { ...calmLimits, lingerMs: 300 };
  const serve = await startTestServe({ resumeMs: minute, limits });
  let isHeld = false;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const toServer = (): Passage =>
    isHeld ? (chunk, send) => released.then(() => send(chunk)) : (chunk, send) => send(chunk);
  const box = await startMiddlebox(serve.port, { toServer });
  const forward = await startTestForward(target.address, { hops: [makeHop('http', box.port, asked)], limits });
  const client = await connectPeer(forward.port);
  const far = await target.accept();
  client.send('first');
  await readText(far, 'first');
  isHeld = true;
  box.cut();
  for (const app of [serve, forward]) await eventually(() => app.eventsOf('tunnel.waiting').length, 1);
  client.fin();
  far.send('last words');
  far.fin();
  // Another tunnel with the same limit, which begins later.
  const other = await connectPeer(serve.port);
  other.send(`CONNECT ${target.address.host}:${target.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await other.readHead();
  other.fin();
  await eventually(() => serve.eventsOf('tunnel.closed').map(({ end }) => end), ['linger']);
  release();
  expect((await client.readToEnd()).toString()).toBe('last words');
  expect(await far.waitForEnd()).toBe('fin');
  await eventually(() => forward.eventsOf('tunnel.closed').map(({ end }) => end), ['clean']);
});

test('a hop that does not know resumable tunnels is an error before the first byte', async () => {
  const { forward, connect } = await startBed(await startTarget(echo), 'http', { resumeMs: 0 });
  const client = await connect();
  expect(await client.waitForEnd()).toBe('reset');
  const [failed] = forward.eventsOf('tunnel.failed');
  expect(failed?.error).toMatchObject({ code: 'http_protocol_error', side: 'hop' });
  expect(failed?.error.message).toMatch(/^127\.0\.0\.1:\d+ does not know resumable tunnels$/);
});

test('with "optional", such a hop opens plain tunnels, and one notice says so', async () => {
  const settings = { resume: '1m,optional' };
  const { forward, connect } = await startBed(await startTarget(echo), 'http', { resumeMs: 0, settings });
  for (const text of ['one', 'two']) {
    const client = await connect();
    client.send(text);
    await readText(client, text);
  }
  const warnings = forward.eventsOf('notice').filter(({ level }) => level === 'warning');
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/ does not know resumable tunnels: its tunnels end with their connections$/),
  ]);
});

test('a tunnel that is not resumed in time is reset on both ends, and the target too', async () => {
  const target = await startTarget();
  const serve = await startTestServe({ resumeMs: 1000 });
  const box = await startMiddlebox(serve.port);
  const forward = await startTestForward(target.address, { hops: [makeHop('http', box.port, asked)] });
  const client = await connectPeer(forward.port);
  const far = await target.accept();
  client.send('x');
  await readText(far, 'x');
  box.close();
  await eventually(() => [...serve.running.tunnels].map(({ resumptions }) => resumptions?.[0]?.isWaiting), [true]);
  expect(await client.waitForEnd()).toBe('reset');
  expect(await far.waitForEnd()).toBe('reset');
  const endsOf = (app: TestApp) => app.eventsOf('tunnel.closed').map(({ end, reason }) => ({ end, reason }));
  const inVain = expect.stringContaining('could not be resumed within 1s');
  await eventually(() => endsOf(forward), [{ end: 'reset', reason: inVain }]);
  const expired = 'the tunnel was not resumed: no transport came within 1s';
  await eventually(() => endsOf(serve), [{ end: 'reset', reason: expired }]);
});

test('a far end that knows the tunnel no more ends it by a reset', async () => {
  const target = await startTarget();
  const { serve, forward, cut, connect } = await startBed(target);
  const client = await connect();
  const far = await target.accept();
  client.send('x');
  await readText(far, 'x');
  cut();
  // As if it had been restarted in the meantime.
  far.reset();
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => forward.eventsOf('tunnel.closed').map(({ end }) => end), ['reset']);
  await eventually(() => serve.eventsOf('tunnel.closed').map(({ end }) => end), ['reset']);
});

const proof = 'A'.repeat(43);
const requests: readonly (readonly [string, string, number])[] = [
  ['a stream that is unknown', `attach; id=${'A'.repeat(22)}; count=1; sent=0; received=0; proof=${proof}`, 404],
  ['a field that is no message', 'attach', 400],
  ['a key with a predictable result', `open; key=${Buffer.alloc(32).toString('base64url')}; hold=10`, 400],
];

test.each(requests)('%s is refused, and nothing is dialled', async (_what, field, status) => {
  const target = await startTarget();
  const serve = await startTestServe({ resumeMs: minute });
  const client = await connectPeer(serve.port);
  const authority = `127.0.0.1:${target.port}`;
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nTunl-Resume: ${field}\r\n\r\n`);
  expect(await client.readHead()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(target.accepted).toBe(0);
});

test('the field is kept out of what others see', async () => {
  const target = await startTarget();
  const { serve, connect } = await startBed(target);
  await connect();
  await target.accept();
  expect(JSON.stringify(serve.events)).not.toContain('opened; id');
  expect(JSON.stringify([...serve.running.tunnels])).not.toContain('Tunl-Resume');
});
