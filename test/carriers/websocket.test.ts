import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { exitOf } from '../../src/core/errors.ts';
import { resetError } from '../../src/core/link.ts';
import { socketLink } from '../../src/core/socket-link.ts';
import { failureOf } from '../conformance/carrier-bed.ts';
import { eventually } from '../support/eventually.ts';
import { makeHop, makeRoute, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { connectPeer, RawPeer } from '../support/peers/raw-peer.ts';
import { answerAtEnd, echo, startTarget, type Target } from '../support/targets/plain.ts';

const accept = ['ws'];
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const usual = {
  Host: 'front.example',
  Connection: 'keep-alive, Upgrade',
  Upgrade: 'WebSocket',
  'Sec-WebSocket-Key': key,
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Protocol': 'tunl',
};

/** The path of a tunnel. */
const pathTo = ({ port }: Target) => `/.well-known/tunl/tcp/127.0.0.1/${port}`;

/** Sends a handshake, and returns the client and the head of the answer. */
async function shake(
  port: number,
  path: string,
  fields: Readonly<Record<string, string | undefined>> = {},
  method = 'GET',
) {
  const peer = await connectPeer(port);
  const lines = Object.entries({ ...usual, ...fields }).filter(([, value]) => value !== undefined);
  peer.send(
    `${[`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`,
  );
  return { peer, head: await peer.readHead() };
}

describe('serve --ws', () => {
  test('answers the handshake of RFC 6455 with its proof, and negotiates no extension', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate', 'Sec-WebSocket-Protocol': 'x, tunl' };
    const { peer, head } = await shake(serve.port, pathTo(target), offer);
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    expect(head).toContain('\r\nSec-WebSocket-Protocol: tunl\r\n');
    expect(head.toLowerCase()).not.toContain('extensions');
    peer.reset();
  });

  test.each<[string, Readonly<Record<string, string | undefined>>, number, string]>([
    ['an Origin, even its own', { Origin: 'http://front.example' }, 403, ''],
    ['version 8', { 'Sec-WebSocket-Version': '8' }, 400, 'Sec-WebSocket-Version: 13'],
    ['no version', { 'Sec-WebSocket-Version': undefined }, 400, 'Sec-WebSocket-Version: 13'],
    ['no Upgrade', { Upgrade: undefined }, 400, ''],
    ['another Upgrade', { Upgrade: 'h2c' }, 400, ''],
    ['no Connection: Upgrade', { Connection: 'keep-alive' }, 400, ''],
    ['no key', { 'Sec-WebSocket-Key': undefined }, 400, ''],
    ['a key of 15 bytes', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' }, 400, ''],
    ['no subprotocol', { 'Sec-WebSocket-Protocol': undefined }, 400, ''],
    ['another subprotocol', { 'Sec-WebSocket-Protocol': 'chat' }, 400, ''],
  ])('refuses a handshake with %s, and dials nothing', async (_name, fields, status, said) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const { head } = await shake(serve.port, pathTo(target), fields);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain(said);
    expect(target.accepted).toBe(0);
  });

  test.each([
    ['another path', 'GET', () => '/', 405],
    ['a path with a slash more', 'GET', (target: Target) => `${pathTo(target)}/`, 400],
    ['a path without a port', 'GET', () => '/.well-known/tunl/tcp/127.0.0.1/', 400],
    ['port 0', 'GET', () => '/.well-known/tunl/tcp/127.0.0.1/0', 400],
    ['a short address', 'GET', () => '/.well-known/tunl/tcp/127.1/80', 400],
    ['a query', 'GET', (target: Target) => `${pathTo(target)}?x`, 400],
    ['another method', 'PUT', pathTo, 405],
  ])('refuses %s', async (_name, method, makePath, status) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const { head } = await shake(serve.port, makePath(target), {}, method);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(target.accepted).toBe(0);
  });

  test('is needed: a serve without it knows no such path', async () => {
    const target = await startTarget(echo);
    const { head } = await shake((await startTestServe()).port, pathTo(target));
    expect(head).toMatch(/^HTTP\/1\.1 405 /);
  });

  test('has its tunnels under the path that --path-prefix names, and under no other', async () => {
    const serve = await startTestServe({ accept, pathPrefix: '/team/tunnels' });
    const target = await startTarget(echo);
    const { head } = await shake(serve.port, pathTo(target));
    expect(head).toMatch(/^HTTP\/1\.1 405 /);
    const moved = await shake(serve.port, pathTo(target).replace('/.well-known/tunl', '/team/tunnels'));
    expect(moved.head).toMatch(/^HTTP\/1\.1 101 /);
    moved.peer.reset();
  });

  test('may stand next to CONNECT and POST on one port', async () => {
    const [serve, target] = [await startTestServe({ accept: ['ws', 'post'] }), await startTarget(echo)];
    for (const scheme of ['ws', 'http', 'h2c', 'post+http']) {
      const route = await makeRoute([makeHop(scheme, serve.port)]);
      const client = new RawPeer(await route.dial(target.address, makeContext(target.address)));
      client.send(scheme);
      expect(await client.readUntil(scheme)).toBe(scheme);
      client.reset();
    }
  });

  test.each([
    ['a frame without a mask', '8201 61'],
    ['reserved bits', 'c281 00000000 61'],
    ['a text', '8181 00000000 61'],
    ['bytes after the end of its half', '8280 00000000 8281 00000000 61'],
    ['a second end', '8280 00000000 8280 00000000'],
  ])('closes with 1002 for a client that sends %s, and resets the target', async (_name, bytes) => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { peer } = await shake(serve.port, pathTo(target));
    const server = await target.accept();
    peer.send(Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
    expect(await peer.read(4)).toEqual(Buffer.from('880203ea', 'hex'));
    expect(await server.waitForEnd()).toBe('reset');
    await eventually(() => serve.running.tunnels.size, 0);
  });

  test('takes a connection that only ends for a reset', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget()];
    const { peer } = await shake(serve.port, pathTo(target));
    const server = await target.accept();
    peer.fin();
    expect(await server.waitForEnd()).toBe('reset');
  });

  test('closes a connection that the client leaves open after both halves have ended', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const { peer } = await shake(serve.port, pathTo(target));
    peer.send(Buffer.from('828000000000', 'hex'));
    expect(await peer.readToEnd()).toEqual(Buffer.from('8200880203e8', 'hex'));
    const ended = performance.now();
    // What still comes is not read, and changes nothing, until the system refuses it.
    await eventually(() => {
      peer.send(Buffer.from('898000000000', 'hex'));
      return peer.stream.destroyed;
    }, true);
    expect(performance.now() - ended).toBeGreaterThan(3000);
  });

  test('answers pings', async () => {
    const [serve, target] = [await startTestServe({ accept }), await startTarget(echo)];
    const { peer } = await shake(serve.port, pathTo(target));
    peer.send(Buffer.from('898100000000 61'.replaceAll(' ', ''), 'hex'));
    expect(await peer.read(3)).toEqual(Buffer.from('8a0161', 'hex'));
    peer.reset();
  });
});

describe('the package ws as a client of serve --ws', () => {
  async function open(target: Target) {
    const serve = await startTestServe({ accept });
    const socket = new WebSocket(`ws://127.0.0.1:${serve.port}${pathTo(target)}`, 'tunl');
    onTestFinished(() => socket.terminate());
    const received: Buffer[] = [];
    socket.on('message', (data: Buffer) => received.push(data));
    const closed = once(socket, 'close');
    await once(socket, 'open');
    return { socket, received, closed };
  }

  test('sends, ends its half with an empty message, and is answered', async () => {
    const target = await startTarget(answerAtEnd((question) => `answer to ${question.toString()}`));
    const { socket, received, closed } = await open(target);
    expect([socket.protocol, socket.extensions]).toEqual(['tunl', '']);
    socket.send(Buffer.from('quest'), { fin: false });
    socket.send(Buffer.from('ion'));
    socket.send(Buffer.alloc(0));
    const [code] = (await closed) as [number];
    expect(Buffer.concat(received).toString()).toBe('answer to question');
    expect(received.at(-1)).toHaveLength(0);
    expect(code).toBe(1000);
  });

  test('sees a reset of the target as a close without an end', async () => {
    const target = await startTarget();
    const { socket, received, closed } = await open(target);
    socket.send(Buffer.from('x'));
    const server = await target.accept();
    await server.readUntil('x');
    server.reset();
    const [code] = (await closed) as [number];
    expect(received).toEqual([]);
    expect([1006, 1011]).toContain(code);
  });
});

describe('the package ws as the server of ws://', () => {
  /** A server of tunnels, as docs/carriers.md describes them. */
  async function startPeer(handleProtocols: () => string | false = () => 'tunl'): Promise<number> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols });
    onTestFinished(() => server.close());
    server.on('connection', (socket, { url = '' }) => {
      const upstream = connect({ port: Number(url.split('/').at(-1)), host: '127.0.0.1', allowHalfOpen: true });
      onTestFinished(() => void upstream.destroy());
      socket.on('message', (data: Buffer) => void (data.length === 0 ? upstream.end() : upstream.write(data)));
      socket.on('close', (code: number) => {
        if (code !== 1000) socketLink(upstream, {}).reset(resetError('closed'));
      });
      upstream.on('data', (chunk) => socket.send(chunk));
      upstream.on('end', () => socket.send(Buffer.alloc(0)));
      upstream.on('error', () => socket.close(1011));
      socket.ping();
    });
    await once(server, 'listening');
    return server.address().port;
  }

  const dial = async (port: number, target: Target) =>
    (await makeRoute([makeHop('ws', port)])).dial(target.address, makeContext(target.address));

  test('gets what is sent, and the end of a half', async () => {
    const target = await startTarget(answerAtEnd((question) => `answer to ${question.toString()}`));
    const client = new RawPeer(await dial(await startPeer(), target));
    client.send('question');
    client.fin();
    expect((await client.readToEnd()).toString()).toBe('answer to question');
  });

  test('passes a reset on in both directions', async () => {
    const target = await startTarget();
    const port = await startPeer();
    const [first, second] = [new RawPeer(await dial(port, target)), new RawPeer(await dial(port, target))];
    first.send('a');
    second.send('b');
    const servers = [await target.accept(), await target.accept()];
    const names = await Promise.all(servers.map(async (server) => (await server.read(1)).toString()));
    servers[names.indexOf('a')]?.reset();
    expect(await first.waitForEnd()).toBe('reset');
    second.reset();
    expect(await servers[names.indexOf('b')]?.waitForEnd()).toBe('reset');
  });

  test('is refused if it does not speak the subprotocol', async () => {
    const target = await startTarget(echo);
    const error = await failureOf(dial(await startPeer(() => false), target));
    expect([error.code, error.side, exitOf(error)]).toEqual(['http_upgrade_failed', 'hop', 97]);
    expect(error.message).toContain('without the subprotocol tunl');
  });
});

test('the path and the Host that a front end sees are those of the hop', async () => {
  const seen: string[] = [];
  const front = await startTarget((socket) => {
    socket.once('data', (head) => {
      seen.push(head.toString('latin1'));
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    });
  });
  const route = await makeRoute([makeHop('ws', front.port, { settings: { prefix: '/team/a' } })]);
  const target = { kind: 'tcp', host: '2001:db8::1', port: 22 } as const;
  const error = await failureOf(route.dial(target, makeContext(target)));
  expect(error).toMatchObject({ code: 'hop_refused', facts: { received: 404 } });
  expect(seen[0]).toContain('GET /team/a/tcp/2001%3Adb8%3A%3A1/22 HTTP/1.1\r\n');
  expect(seen[0]).toContain(`\r\nHost: 127.0.0.1:${front.port}\r\n`);
  expect(seen[0]).not.toMatch(/\r\nOrigin:/i);
});
