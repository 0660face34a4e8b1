import { describe, expect, test } from 'vitest';
import type { CarriedStream } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { FarTransports } from '../../src/poll/far.ts';
import { type Transfer, writeRequest } from '../../src/poll/fields.ts';
import { type OpenAnswer, readField, writeField } from '../../src/resume/fields.ts';
import { kinds, makeFrame } from '../../src/resume/frames.ts';
import { agree, makeKeyPair } from '../../src/resume/keys.ts';
import { failureOf } from '../conformance/carrier-bed.ts';
import { drain, pour } from '../support/bulk.ts';
import { amount } from '../support/amounts.ts';
import { eventually } from '../support/eventually.ts';
import { makeHop, makeRoute, startTestServe, type TestApp } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { type Deed, startHttpMiddlebox } from '../support/peers/http-middlebox.ts';
import { connectPeer, RawPeer } from '../support/peers/raw-peer.ts';
import { makeRandom } from '../support/random.ts';
import { echo, startTarget, type Target } from '../support/targets/plain.ts';

const accept = ['poll'];
const bytes = amount(400_000, 20_000_000);
const prefix = '/.well-known/tunl/poll';
const pathTo = ({ port }: Target) => `${prefix}/tcp/127.0.0.1/${port}`;

/** Sends one request, and returns the head of its answer. */
async function ask(
  port: number,
  line: string,
  fields: readonly (readonly [string, string])[] = [],
  body: string | Buffer = '',
): Promise<string> {
  const peer = await connectPeer(port);
  const length = line.startsWith('POST') ? [`Content-Length: ${body.length}`] : [];
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  peer.send(`${[`${line} HTTP/1.1`, 'Host: far.example', ...length, ...lines].join('\r\n')}\r\n\r\n`);
  if (body.length > 0) peer.send(body);
  const head = await peer.readHead();
  peer.reset();
  return head;
}

const statusOf = (head: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]);

/** Opens a tunnel as a near end would; returns what its requests are proven with. */
async function open(serve: TestApp, target: Target, login: readonly (readonly [string, string])[] = []) {
  const pair = makeKeyPair();
  const field = writeField({ kind: 'open', key: pair.publicKey, hold: 60 });
  const head = await ask(serve.port, `POST ${pathTo(target)}`, [field, ...login]);
  expect(statusOf(head)).toBe(200);
  const value = /tunl-resume: (.*)\r\n/i.exec(head)?.[1] ?? '';
  const opened = readField([['Tunl-Resume', value]]) as OpenAnswer;
  const carried: CarriedStream = { id: opened.id, count: 0, key: agree('near', pair, opened.key) };
  const up = (number: number, body: Buffer, more: Partial<Transfer> = {}, sent = body) => {
    const transfer: Transfer = { kind: 'up', id: carried.id, count: 0, number, most: 0, wait: 0, ...more };
    const proven = writeRequest(carried.key, transfer, [body]);
    return ask(serve.port, `POST ${prefix}/up/x${number}`, [proven, ...login], sent);
  };
  const down = (number: number, more: Partial<Transfer> = {}) => {
    const transfer: Transfer = { kind: 'down', id: carried.id, count: 0, number, most: 1000, wait: 1, ...more };
    const proven = writeRequest(carried.key, transfer, []);
    return ask(serve.port, `GET ${prefix}/down/x${number}`, [proven, ...login]);
  };
  return { up, down };
}

const ping = makeFrame(kinds.ping, 0);

describe('a middlebox that keeps bodies until they are whole', () => {
  const deeds: Readonly<Record<string, readonly Deed[]>> = {
    'passes everything': ['pass'],
    'sends some requests twice': ['pass', 'twice'],
    'gives old answers': ['pass', 'pass', 'stale'],
    'answers some with 502 before or after the far end has, and cuts others': [
      'pass',
      'pass',
      'pass',
      'twice',
      'fail',
      'lose',
      'cut',
    ],
  };

  test.each(Object.entries(deeds))('and %s loses nothing', async (_name, list) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const random = makeRandom(7);
    // The first request dials the target: it is not one that can be sent twice.
    const box = await startHttpMiddlebox(serve.port, (index) =>
      index === 0 ? 'pass' : (list[random(list.length)] ?? 'pass'),
    );
    const route = await makeRoute([makeHop('poll+http', box.port)]);
    const client = new RawPeer(await route.dial(target.address, makeContext(target.address)), { reading: false });
    const server = await target.accept();
    const [there, back] = [pour(client.stream, bytes), pour(server.stream, bytes)];
    expect(await drain(server.stream)).toBe(await there.done);
    expect(await drain(client.stream)).toBe(await back.done);
    await eventually(() => serve.running.tunnels.size, 0);
    expect(serve.eventsOf('tunnel.closed')).toMatchObject([{ end: 'clean' }]);
    const paths = box.seen.map((line) => line.split(' ')[1]);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

test('a tunnel goes on over another transport where a middlebox forbids a request', async () => {
  const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
  const box = await startHttpMiddlebox(serve.port, (index) => (index === 4 ? 'forbid' : 'pass'));
  const route = await makeRoute([makeHop('poll+http', box.port)]);
  const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
  for (const word of ['one', 'two', 'three', 'four', 'five']) {
    client.send(word);
    expect(await client.readUntil(word)).toBe(word);
  }
  expect(serve.eventsOf('tunnel.resumed')).toHaveLength(1);
  expect(box.seen.filter((line) => line.includes('/tcp/'))).toHaveLength(2);
  client.fin();
  expect(await client.waitForEnd()).toBe('fin');
});

test('a proxy before it is told who we are, and the far end is not', async () => {
  const [far, target] = [await startTestServe({ accept }), await startTarget(echo)];
  const near = await startTestServe({ accept: ['plain'], users: { single: { user: 'alice', password: 'near' } } });
  const credentials = { user: 'alice', password: new Secret('near') };
  const route = await makeRoute([makeHop('http', near.port, { credentials }), makeHop('poll+http', far.port)]);
  const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
  client.send('through both');
  expect(await client.readUntil('both')).toBe('through both');
  client.reset();
});

test('a proxy that knows no CONNECT sees nothing but GET and POST of URLs', async () => {
  const [far, target] = [await startTestServe({ accept }), await startTarget(echo)];
  const box = await startHttpMiddlebox(far.port, () => 'pass');
  const route = await makeRoute([makeHop('http', box.port), makeHop('poll+http', far.port)]);
  const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
  client.send('through both');
  expect(await client.readUntil('both')).toBe('through both');
  client.reset();
  const start = `http://127.0.0.1:${far.port}${prefix}`;
  expect(box.seen[0]).toBe(`POST ${start}/tcp/127.0.0.1/${target.port} pass`);
  const kinds = box.seen.slice(1).map((line) => line.replace(start, '').replace(/[\w-]+ pass$/, ''));
  expect([...new Set(kinds)].toSorted()).toEqual(['GET /down/', 'POST /up/']);
});

test('a far end without it is told as such', async () => {
  const [serve, target] = [await startTestServe(), await startTarget(echo)];
  const route = await makeRoute([makeHop('poll+http', serve.port)]);
  const error = await failureOf(route.dial(target.address, makeContext(target.address)));
  expect(error).toMatchObject({ side: 'hop', facts: { received: 405 } });
  expect(error.facts.hints?.join()).toContain('tunl serve with --poll');
});

test('a web server that answers every POST with 200 is told as such', async () => {
  const target = await startTarget(echo);
  const web = await startTarget((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')),
  );
  const route = await makeRoute([makeHop('poll+http', web.port)]);
  const error = await failureOf(route.dial(target.address, makeContext(target.address)));
  expect(error).toMatchObject({ code: 'http_protocol_error', side: 'hop' });
  expect(error.message).toContain('opened no tunnel');
});

describe('serve --poll', () => {
  test('answers a body that comes again, and refuses one behind a gap', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { up, down } = await open(serve, target);
    await target.accept();
    expect(statusOf(await up(2, ping))).toBe(409);
    expect(statusOf(await up(1, ping))).toBe(200);
    expect(statusOf(await up(1, ping))).toBe(200);
    expect(statusOf(await down(2))).toBe(409);
    const first = await down(1, { wait: 10_000 });
    expect(statusOf(first)).toBe(200);
    // The same number has the same answer, whatever has been written since.
    expect((await down(1)).toLowerCase()).toContain(/content-length: \d+/i.exec(first)?.[0].toLowerCase() ?? 'none');
    expect(statusOf(await down(3))).toBe(409);
    expect(statusOf(await down(2))).toBe(200);
    expect(statusOf(await down(1))).toBe(409);
  });

  test.each<[string, (tunnel: Awaited<ReturnType<typeof open>>) => Promise<string>]>([
    ['an unknown id', ({ up }) => up(1, ping, { id: 'A'.repeat(22) })],
    ['another transport', ({ up }) => up(1, ping, { count: 1 })],
    ['another body than the one that is proven', ({ up }) => up(1, ping, {}, makeFrame(kinds.reset, 0))],
  ])('knows no tunnel for a request with %s', async (_name, send) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const tunnel = await open(serve, target);
    expect(statusOf(await send(tunnel))).toBe(404);
    expect(statusOf(await tunnel.up(1, ping))).toBe(200);
  });

  test('knows no tunnel of another user', async () => {
    const serve = await startTestServe({ accept, users: { single: { user: 'ann', password: 'hers' } } });
    const target = await startTarget();
    const basic = (text: string) => [['Authorization', `Basic ${Buffer.from(text).toString('base64')}`]] as const;
    const { up } = await open(serve, target, basic('ann:hers'));
    expect(statusOf(await up(1, ping))).toBe(200);
    expect(statusOf(await ask(serve.port, `GET ${prefix}/down/x`, [['Tunl-Poll', 'down']]))).toBe(400);
    expect(
      statusOf(
        await ask(serve.port, `POST ${pathTo(target)}`, [
          writeField({ kind: 'open', key: makeKeyPair().publicKey, hold: 1 }),
        ]),
      ),
    ).toBe(401);
  });

  test.each<[string, string, readonly (readonly [string, string])[], number]>([
    ['no field', 'POST PATH', [], 400],
    ['a key that is none', 'POST PATH', [['Tunl-Resume', 'open; key=x; hold=1']], 400],
    ['GET', 'GET PATH', [], 405],
    ['the page of a browser', 'POST PATH', [['Origin', 'http://far.example']], 403],
    ['two lengths', 'POST PATH', [['Content-Length', '5']], 400],
    ['no target', `POST ${prefix}/tcp/127.0.0.1/`, [], 400],
    ['another path', `POST ${prefix}/sideways/x`, [], 405],
    ['bytes without a field', `GET ${prefix}/down/x`, [], 400],
    ['bytes by another method', `PUT ${prefix}/up/x`, [], 405],
    [
      'a number that is none',
      `GET ${prefix}/down/x`,
      [['Tunl-Poll', `down; id=${'A'.repeat(22)}; count=0; number=0; most=1; wait=1; proof=${'A'.repeat(43)}`]],
      400,
    ],
    [
      'an offset above what can be counted',
      `POST ${prefix}/up/x`,
      [['Tunl-Poll', `up; id=${'A'.repeat(22)}; count=0; number=9007199254740993; proof=${'A'.repeat(43)}`]],
      400,
    ],
  ])('refuses %s, and dials nothing', async (_name, line, fields, status) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    expect(statusOf(await ask(serve.port, line.replace('PATH', pathTo(target)), fields))).toBe(status);
    expect(target.accepted).toBe(0);
  });

  test('refuses a body above a mebibyte', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { up } = await open(serve, target);
    expect(statusOf(await up(1, Buffer.alloc((1 << 20) + 1), {}))).toBe(413);
  });

  test('resets a tunnel whose bytes are no frames', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { up } = await open(serve, target);
    const server = await target.accept();
    expect(statusOf(await up(1, Buffer.alloc(12, 0xff)))).toBe(200);
    expect(await server.waitForEnd()).toBe('reset');
    await eventually(() => serve.running.tunnels.size, 0);
  });

  test('gives up the oldest of many tunnels that nobody uses', async () => {
    const transports = new FarTransports(2);
    const gone: number[] = [];
    for (const count of [0, 1, 2]) {
      const transport = transports.open({
        id: String(count),
        count: 0,
        key: Buffer.alloc(32),
        stage: 's',
        user: undefined,
        source: 'x',
      });
      transport.listen({
        onData: () => false,
        onEnd() {},
        onDrain() {},
        onFinish() {},
        onReset: () => void gone.push(count),
      });
    }
    expect([gone, transports.size]).toEqual([[0], 2]);
  });

  test('ids and proofs are in no event', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { up } = await open(serve, target);
    await up(2, ping);
    expect(JSON.stringify(serve.events)).not.toMatch(/proof|; id=/);
  });
});
