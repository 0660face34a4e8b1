import { describe, expect, test } from 'vitest';
import { refusedAddress, echo, listenOnly, startTarget } from '../support/targets/plain.ts';
import { calmLimits, makeHop, startTestFront, startTestServe, type TestApp } from '../support/harness/app.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer } from '../support/peers/raw-peer.ts';
import { answer4, answer5, openSocks5, socks } from '../support/peers/socks-client.ts';

const single = { user: 'alice', password: 'wonder' };
const access = { users: { single }, allow: [], deny: [] };
const v6 = (host: Buffer) => Buffer.concat([Buffer.of(4), host]);

describe.each(['socks', 'any'])('a front of kind %s', (kind) => {
  test('opens tunnels for SOCKS 5, 4 and 4a, and announces itself', async () => {
    const target = await startTarget(echo);
    const front = await startTestFront(kind);
    expect(front.eventsOf('listening')).toMatchObject([{ role: 'serve', front: kind, port: front.port }]);
    const requests = [
      [Buffer.concat([socks.greet(0), socks.ask5('127.0.0.1', target.port)]), Buffer.from([5, 0, ...answer5(0)])],
      [Buffer.concat([socks.greet(1, 2, 0), socks.ask5('localhost', target.port)]), Buffer.from([5, 0, ...answer5(0)])],
      [socks.ask4('127.0.0.1', target.port), answer4(0x5a)],
      [socks.ask4('localhost', target.port), answer4(0x5a)],
    ] as const;
    for (const [request, answer] of requests) {
      const client = await connectPeer(front.port);
      // Bytes right behind the request belong to the tunnel.
      client.send(Buffer.concat([request, Buffer.from('early')]));
      expect(await client.read(answer.length)).toEqual(answer);
      expect((await client.read(5)).toString()).toBe('early');
      client.fin();
      expect(await client.readToEnd()).toHaveLength(0);
    }
    await eventually(
      () => front.eventsOf('tunnel.closed').map(({ end, target: place }) => [end, place]),
      [
        ['clean', `127.0.0.1:${target.port}`],
        ['clean', `localhost:${target.port}`],
        ['clean', `127.0.0.1:${target.port}`],
        ['clean', `localhost:${target.port}`],
      ],
    );
    expect(front.eventsOf('tunnel.closed').every(({ status }) => status === undefined)).toBe(true);
  });

  test('reads requests that arrive byte by byte', async () => {
    const target = await startTarget(echo);
    const front = await startTestFront(kind);
    for (const [request, length] of [
      [Buffer.concat([socks.greet(2, 0), socks.ask5('localhost', target.port)]), 12],
      [socks.ask4('localhost', target.port), 8],
    ] as const) {
      const client = await connectPeer(front.port);
      for (const byte of request) {
        client.send(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      await client.read(length);
      client.send('word');
      expect((await client.read(4)).toString()).toBe('word');
      client.reset();
    }
  });

  test('survives a client that leaves after any byte', async () => {
    const target = await startTarget(listenOnly);
    const front = await startTestFront(kind, { access });
    const whole = Buffer.concat([
      socks.greet(2),
      socks.login('alice', 'wonder'),
      socks.ask5('localhost', target.port),
      socks.ask4('localhost', target.port),
    ]);
    for (let length = 0; length < 3 + 14 + 15; length++) {
      for (const leave of ['fin', 'reset'] as const) {
        const client = await connectPeer(front.port);
        client.send(whole.subarray(0, length));
        client[leave]();
        if (leave === 'fin') await client.waitForEnd();
      }
    }
    await eventually(() => front.running.tunnels.size, 0);
    expect(target.accepted).toBe(0);
    expect(front.eventsOf('tunnel.failed')).toEqual([]);
  });
});

test('passes half-closes and resets on, in both directions', async () => {
  const target = await startTarget();
  const front = await startTestFront('socks');
  const [client] = await openSocks5(front.port, '127.0.0.1', target.port);
  const upstream = await target.accept();
  client.send('question');
  client.fin();
  expect((await upstream.readToEnd()).toString()).toBe('question');
  upstream.send('answer');
  upstream.fin();
  expect((await client.readToEnd()).toString()).toBe('answer');

  const [cut] = await openSocks5(front.port, '127.0.0.1', target.port);
  const other = await target.accept();
  other.reset();
  expect(await cut.waitForEnd()).toBe('reset');

  const [leaving] = await openSocks5(front.port, '127.0.0.1', target.port);
  const third = await target.accept();
  leaving.reset();
  expect(await third.waitForEnd()).toBe('reset');
});

test('sends names to the last hop as they are, and asks nobody for them', async () => {
  const far = await startTestServe({ deny: ['*'] });
  const front = await startTestFront('socks', { hops: [makeHop('http', far.port)] });
  const [client, reply] = await openSocks5(front.port, 'Name.of.the.far.End', 7);
  expect(reply).toBe(2);
  expect(await client.readToEnd()).toHaveLength(0);
  await eventually(() => far.eventsOf('tunnel.failed').map(({ target }) => target), ['name.of.the.far.end:7']);
});

describe('a refusal', () => {
  const ask = async (front: TestApp, request: Buffer): Promise<Buffer> => {
    const client = await connectPeer(front.port);
    client.send(request);
    return client.readToEnd();
  };

  test('has the reply of the table of errors', async () => {
    const front = await startTestFront('socks', { limits: { ...calmLimits, dnsMs: 3000 } });
    const first = Buffer.of(5, 0);
    const { host, port } = refusedAddress;
    expect(await ask(front, Buffer.concat([socks.greet(0), socks.ask5(host, port)]))).toEqual(
      Buffer.concat([first, answer5(5)]),
    );
    expect(await ask(front, Buffer.concat([socks.greet(0), socks.ask5('no-such.invalid', 80)]))).toEqual(
      Buffer.concat([first, answer5(4)]),
    );
    expect(await ask(front, socks.ask4(host, port))).toEqual(answer4(0x5b));
  });

  test('goes to commands, addresses and targets that cannot be served', async () => {
    const front = await startTestFront('socks');
    const replies: [Buffer, number][] = [
      [socks.ask5('127.0.0.1', 80, 2), 7],
      [socks.ask5('127.0.0.1', 80, 3), 7],
      [socks.ask5(Buffer.of(9, 1, 2, 3), 80), 8],
      [socks.ask5('127.0.0.1', 0), 1],
      [socks.ask5('', 80), 1],
      [socks.ask5('2130706433', 80), 1],
      [socks.ask5('a\r\nb', 80), 1],
      [socks.ask5('user@host', 80), 1],
      [socks.ask5('host:80', 80), 1],
    ];
    for (const [request, reply] of replies) {
      const answer = await ask(front, Buffer.concat([socks.greet(0), request]));
      expect(answer, request.toString('latin1')).toEqual(Buffer.concat([Buffer.of(5, 0), answer5(reply)]));
    }
    expect(await ask(front, socks.ask4('127.0.0.1', 80, { command: 2 }))).toEqual(answer4(0x5b));
    expect(await ask(front, socks.ask4('a b', 80))).toEqual(answer4(0x5b));
    expect(front.eventsOf('tunnel.failed').every(({ error }) => error.side === 'client')).toBe(true);
    expect(front.eventsOf('tunnel.failed')).toHaveLength(11);
  });

  test('goes to bytes that are not SOCKS, without a word', async () => {
    const front = await startTestFront('socks');
    const strange = [
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x03\x01\x02\x00',
      '\x05\x01\x00\x04\x01\x00',
      '\x04\x01\x00\x50\x01\x01\x01\x01' + 'x'.repeat(300),
    ];
    for (const bytes of strange) {
      const answer = await ask(front, Buffer.from(bytes, 'latin1'));
      expect(answer.subarray(2)).toHaveLength(0);
    }
    expect(front.eventsOf('tunnel.failed').map(({ error }) => error.code)).toEqual(Array(4).fill('http_request_error'));
  });

  test('goes to targets that are our own listeners', async () => {
    const front = await startTestFront('any');
    const reply = await ask(front, Buffer.concat([socks.greet(0), socks.ask5('127.0.0.1', front.port)]));
    expect(reply).toEqual(Buffer.concat([Buffer.of(5, 0), answer5(2)]));
    const named = await ask(front, Buffer.concat([socks.greet(0), socks.ask5('localhost', front.port)]));
    expect(named).toEqual(Buffer.concat([Buffer.of(5, 0), answer5(2)]));
    const mapped = v6(Buffer.from('00000000000000000000ffff7f000001', 'hex'));
    const sixth = await ask(front, Buffer.concat([socks.greet(0), socks.ask5(mapped, front.port)]));
    expect(sixth).toEqual(Buffer.concat([Buffer.of(5, 0), answer5(2)]));
  });

  test('goes to a client that is too slow, by a reset', async () => {
    const front = await startTestFront('socks', { limits: { ...calmLimits, handshakeMs: 50 } });
    const client = await connectPeer(front.port);
    client.send(socks.greet(0));
    expect(await client.waitForEnd()).toBe('reset');
    await eventually(
      () => front.eventsOf('tunnel.failed').map(({ error }) => error.message),
      ['the client did not send its request within 50ms (--handshake-timeout)'],
    );
  });
});

describe('a password', () => {
  test('is asked for, and the user is recorded', async () => {
    const target = await startTarget(echo);
    const front = await startTestFront('socks', { access });
    const client = await connectPeer(front.port);
    client.send(socks.greet(0, 2));
    expect(await client.read(2)).toEqual(Buffer.of(5, 2));
    client.send(socks.login('alice', 'wonder'));
    expect(await client.read(2)).toEqual(Buffer.of(1, 0));
    client.send(socks.ask5('127.0.0.1', target.port));
    expect(await client.read(10)).toEqual(answer5(0));
    await eventually(() => front.eventsOf('tunnel.opened').map(({ user }) => user), ['alice']);
  });

  test('that is wrong is refused and recorded with its user, and costs the next attempt a wait', async () => {
    const front = await startTestFront('socks', { access, limits: { ...calmLimits, handshakeMs: 200 } });
    for (let attempt = 0; attempt < 5; attempt++) {
      const client = await connectPeer(front.port);
      client.send(Buffer.concat([socks.greet(2), socks.login('alice', 'guess'), socks.ask5('127.0.0.1', 9)]));
      expect(await client.readToEnd()).toEqual(Buffer.of(5, 2, 1, 1));
    }
    const wrong = 'wrong password, or there is no such user';
    expect(front.eventsOf('tunnel.failed').map(({ user, error }) => [user, error.message])).toEqual([
      ...Array<string[]>(4).fill(['alice', wrong]),
      ['alice', 'the password was not verified within 200ms (--handshake-timeout)'],
    ]);
  });

  test('cannot be left out, and SOCKS 4 has none', async () => {
    const front = await startTestFront('socks', { access });
    const open = await connectPeer(front.port);
    open.send(socks.greet(0));
    expect(await open.readToEnd()).toEqual(Buffer.of(5, 0xff));
    const old = await connectPeer(front.port);
    old.send(socks.ask4('127.0.0.1', 9, { user: 'alice' }));
    expect(await old.readToEnd()).toEqual(answer4(0x5b));
    await eventually(
      () => front.eventsOf('tunnel.failed').map(({ error }) => error.message),
      ['credentials are required', 'credentials are required'],
    );
  });

  test('of a client that offers nothing else is right where nobody needs one', async () => {
    const target = await startTarget(echo);
    const front = await startTestFront('socks');
    const client = await connectPeer(front.port);
    client.send(Buffer.concat([socks.greet(2), socks.login('', ''), socks.ask5('127.0.0.1', target.port)]));
    expect(await client.read(14)).toEqual(Buffer.concat([Buffer.of(5, 2, 1, 0), answer5(0)]));
  });
});
