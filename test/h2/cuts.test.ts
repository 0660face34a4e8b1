import { expect, test } from 'vitest';
import { Http2Server } from '../../src/h2/server.ts';
import { makeRandom } from '../support/random.ts';
import { joinEngines, settle, smallSetup, TestWire } from '../support/harness/h2-joined.ts';
import { flags, formatFrame, type FrameType, frameTypes, formatNumber, preface } from '../support/peers/h2-frames.ts';

const ignore = () => {};

/** A server that notes what it hears. */
function startServer() {
  const wire = new TestWire(0);
  const events: string[] = [];
  const server = new Http2Server(wire, smallSetup, {
    onSettings: () => events.push('settings'),
    onIdle: ignore,
    onFault: ({ code, message }) => events.push(`fault ${code} ${message}`),
    onStream: (stream, head, fields, isEnd) => {
      const { id } = stream;
      events.push(`${id} opens ${JSON.stringify([head, fields, isEnd])}`);
      let data = '';
      stream.follow({
        onTrailers: (trailers) => events.push(`${id} trailers ${JSON.stringify(trailers)}`),
        onClose: ignore,
      });
      stream.listen({
        onData: (chunk) => {
          data += chunk.toString('latin1');
          return false;
        },
        onEnd: () => events.push(`${id} ends after ${data}`),
        onDrain: ignore,
        onFinish: ignore,
        onReset: (error) => events.push(`${id} ${error.message}`),
      });
      stream.resume();
    },
  });
  return { server, wire, events };
}

/** Returns the bytes that a client sends in a session with bodies, trailers, resets and padding. */
async function recordSession(): Promise<Buffer> {
  const joined = joinEngines(smallSetup, () => {});
  const { client, server, there } = joined;
  client.flush();
  const parts = [there.take(there.bytes.length)];
  server.feed(parts[0] as Buffer);
  await settle(joined);
  const post = { method: 'POST', authority: 'a', scheme: 'http', path: '/' };
  const streams = [1, 2, 3].map(() => client.open(post, [['x-a', 'b']], false));
  client.open({ ...post, method: 'GET' }, [], true);
  const [first, second, third] = streams;
  first?.write(Buffer.alloc(5000, 'abc'));
  second?.write(Buffer.alloc(40_000, 'def'));
  third?.write(Buffer.from('x'));
  first?.end([['x-sum', '1']]);
  client.flush();
  third?.abort(8);
  second?.end();
  client.ping();
  client.flush();
  parts.push(there.take(there.bytes.length));
  const padded = Buffer.concat([Buffer.of(200), Buffer.from('padded'), Buffer.alloc(200)]);
  const tunnel = client.open({ method: 'CONNECT', authority: 'db:22' }, [], false);
  client.flush();
  parts.push(there.take(there.bytes.length), formatFrame('data', tunnel.id, padded, flags.endStream | 0x8));
  parts.push(formatFrame('priority', 1, Buffer.alloc(5)), formatFrame('origin', 0, Buffer.alloc(300)));
  return Buffer.concat(parts);
}

test('a session that is cut anywhere gives the same events as in one piece', async () => {
  const session = await recordSession();
  const whole = startServer();
  whole.server.feed(session);
  expect(whole.events).toHaveLength(12);
  const random = makeRandom(1);
  for (let run = 0; run < 300; run++) {
    const { server, events } = startServer();
    const mostBytes = [1, 2, 9, 30, 1000, 20_000][run % 6] as number;
    for (let at = 0; at < session.length;) {
      const end = at + 1 + random(mostBytes);
      const part = Buffer.from(session.subarray(at, end));
      // Memory that the server has not kept is used again.
      if (!server.feed(part)) part.fill(0);
      at = end;
    }
    expect(events).toEqual(whole.events);
  }
});

test('random bytes after the preface never throw, and end the session or are ignored', () => {
  const random = makeRandom(2);
  for (let run = 0; run < 3000; run++) {
    const { server, events } = startServer();
    server.feed(preface);
    if (run % 2 === 0) server.feed(formatFrame('settings', 0));
    for (let left = 20; left > 0; left--) {
      server.feed(Buffer.from(Array.from({ length: random(60) }, () => random(256))));
    }
    expect(events.filter((event) => event.startsWith('fault')).length).toBeLessThan(2);
  }
});

test('random frames never throw, and at most end the session', () => {
  const random = makeRandom(3);
  const types = Object.keys(frameTypes) as FrameType[];
  for (let run = 0; run < 3000; run++) {
    const { server, wire, events } = startServer();
    server.feed(preface);
    server.feed(formatFrame('settings', 0));
    for (let left = 30; left > 0; left--) {
      const type = types[random(types.length)] as FrameType;
      const payload = [Buffer.alloc(0), formatNumber(random(20)), Buffer.alloc(8, random(256)), Buffer.alloc(5)][
        random(4)
      ];
      server.feed(formatFrame(type, random(8), payload, random(64)));
      server.flush();
    }
    expect([wire.faults, events.filter((event) => event.startsWith('fault')).length < 2]).toEqual([[], true]);
  }
});
