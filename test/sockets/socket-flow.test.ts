import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { flowOf, readLent } from '../../src/core/duplex-flow.ts';
import { resetError } from '../../src/core/link.ts';
import { FlowSocket } from '../../src/sockets/flow-socket.ts';
import { poisonReturned } from '../../src/sockets/read-memory.ts';
import type { SocketFlow } from '../../src/sockets/socket-flow.ts';
import { flowContract } from '../conformance/flow-contract.ts';
import { eventually } from '../support/eventually.ts';
import { FlowUser } from '../support/flow-user.ts';
import { makeTcpPair, makeUnixPair } from '../support/harness/link-pairs.ts';
import { turn } from '../support/turns.ts';

beforeEach(() => poisonReturned(true));
afterEach(() => poisonReturned(false));

flowContract('a socket that was dialled', makeTcpPair);
flowContract('a socket that was accepted', async () => {
  const { first, second } = await makeTcpPair();
  return { first: second, second: first };
});
flowContract('a Unix socket', makeUnixPair, { reset: 'none' });

test('both kinds of sockets go past the stream', async () => {
  const { first, second } = await makeTcpPair();
  expect([first.stream, second.stream]).toEqual([expect.any(FlowSocket), expect.any(FlowSocket)]);
});

test('a paused stream goes on reading up to its mark, so that a reset is noticed', async () => {
  const { first, second } = await makeTcpPair();
  first.stream.resume();
  first.stream.pause();
  second.reset(resetError('gone'));
  await eventually(() => (first.stream.errored as NodeJS.ErrnoException | null)?.code, 'ECONNRESET');
});

test('a reset right behind data is noticed, even if the reader pauses before it is known to be one', async () => {
  const { first, second } = await makeTcpPair();
  const user = new FlowUser(flowOf(first), { reading: false });
  const kept: string[] = [];
  user.onChunk = (chunk) => {
    kept.push(chunk.toString());
    user.flow.pause();
  };
  second.stream.write('the last words');
  second.reset(resetError('gone'));
  // One turn of the loop reads the bytes and an end; the next one finds that the end was a reset.
  while (first.stream.readableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  user.flow.resume();
  await new Promise((resolve) => process.nextTick(resolve));
  expect(kept).toEqual(['the last words']);
  user.flow.resume();
  await eventually(() => user.events, ['reset']);
});

test('the stream can be given back in the middle of a chunk: it reads on, and a later receiver gets what waits there', async () => {
  const { first, second } = await makeTcpPair();
  const before = new FlowUser(flowOf(first));
  before.keeps = true;
  before.onChunk = (chunk) => before.flow.release?.(chunk.subarray(4));
  second.stream.write('headrest');
  await eventually(() => first.stream.readableLength, 4);
  second.stream.write(' and more');
  await eventually(() => first.stream.readableLength, 13);
  expect(first.stream.read(4)?.toString()).toBe('rest');
  const kept: string[] = [];
  const after = new FlowUser(flowOf(first));
  after.onChunk = (chunk) => void kept.push(chunk.toString());
  await eventually(() => kept.join(''), ' and more');
  second.stream.end(', and the end');
  await eventually(() => [kept.join(''), after.events], [' and more, and the end', ['end']]);
  expect(before.events).toEqual([]);
});

test('what comes while a flow is watched is kept for its receiver, with what follows and the end behind it', async () => {
  const { first, second } = await makeTcpPair();
  const flow = flowOf(first);
  flow.watch?.(() => {});
  second.stream.write('early');
  await eventually(() => (first.stream as Socket).bytesRead, 'early'.length);
  const user = new FlowUser(flow, { reading: false });
  const kept: string[] = [];
  user.onChunk = (chunk) => {
    kept.push(chunk.toString());
    user.flow.pause();
  };
  second.stream.end(' and late');
  await eventually(() => first.stream.readableLength, ' and late'.length);
  expect(flow.isEnded).toBe(false);
  user.flow.resume();
  await eventually(() => kept, ['early']);
  user.flow.resume();
  await eventually(() => kept, ['early', ' and late']);
  user.flow.resume();
  await eventually(() => user.events, ['end']);
});

test('an end behind what was kept is told once, after it', async () => {
  const { first, second } = await makeTcpPair();
  const flow = flowOf(first);
  flow.watch?.(() => {});
  second.stream.end('all of it');
  await eventually(() => first.stream.readableEnded, true);
  expect(flow.isEnded).toBe(false);
  const user = new FlowUser(flow);
  const kept: string[] = [];
  user.onChunk = (chunk) => void kept.push(chunk.toString());
  await eventually(() => [kept, user.events], [['all of it'], ['end']]);
  expect(flow.isEnded).toBe(true);
});

test('what came in many pieces is given on as one, and its end waits for a receiver that has enough', async () => {
  const { first, second } = await makeTcpPair();
  const flow = flowOf(first);
  flow.watch?.(() => {});
  for (const letter of 'pieces') (flow as SocketFlow).onData(Buffer.from(letter));
  second.stream.end();
  await eventually(() => first.stream.readableEnded, true);
  const user = new FlowUser(flow, { reading: false });
  const kept: string[] = [];
  user.onChunk = (chunk) => {
    kept.push(chunk.toString());
    user.flow.pause();
  };
  user.flow.resume();
  await eventually(() => kept, ['pieces']);
  await turn();
  expect(user.events).toEqual([]);
  user.flow.resume();
  await eventually(() => user.events, ['end']);
});

test('a watched flow keeps so much, and leaves the rest to the system and the stream', async () => {
  const { first, second } = await makeTcpPair();
  const flow = flowOf(first);
  flow.watch?.(() => {});
  const sent = Buffer.alloc(8 * 1024 * 1024, 'much');
  second.stream.end(sent);
  await eventually(() => first.stream.readableLength <= 1024 * 1024 && second.stream.writableLength > 0, true);
  const kept: Buffer[] = [];
  const user = new FlowUser(flow);
  user.onChunk = (chunk) => void kept.push(Buffer.from(chunk));
  await eventually(() => user.events, ['end']);
  expect(Buffer.concat(kept).equals(sent)).toBe(true);
});

test.each(['reset', 'closed'])(
  'who watches a flow is told once that it is %s, also behind what was kept',
  async (how) => {
    const { first, second } = await makeTcpPair();
    let told = 0;
    flowOf(first).watch?.(() => void told++);
    second.stream.write('early');
    await eventually(() => second.stream.writableLength, 0);
    if (how === 'closed') first.stream.destroy();
    else second.reset(resetError('gone'));
    await once(first.stream, 'close').catch(() => {});
    await eventually(() => told, 1);
    expect(flowOf(first).failure).toBeDefined();
  },
);

test('no socket is left that was ended and reset in either order', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  for (const order of ['end first', 'reset first']) {
    for (let round = 0; round < 50; round++) {
      const { first, second } = await makeTcpPair();
      const [one, other] = round % 2 === 0 ? [first, second] : [second, first];
      const act = [() => one.flow?.end(), () => one.flow?.reset(resetError('over'))];
      for (const step of order === 'end first' ? act : act.toReversed()) step();
      await eventually(() => other.stream.readableEnded || other.stream.destroyed, true);
      other.flow?.end();
      other.flow?.reset(resetError('over'));
      await eventually(() => [(first.stream as Socket).closed, (second.stream as Socket).closed], [true, true]);
    }
  }
  await eventually(sockets, before);
});

test('a socket lends what came before and what comes, and says itself that it has ended', async () => {
  const { first, second } = await makeTcpPair();
  const many = 'x'.repeat(100_000);
  second.stream.write('before, ');
  await eventually(() => first.stream.readableLength, 8);
  let seen = '';
  const lent: Buffer[] = [];
  const ended = once(first.stream, 'end');
  readLent(first.stream, (chunk) => {
    seen += chunk.toString();
    lent.push(chunk);
    return false;
  });
  expect(seen).toBe('');
  await eventually(() => seen, 'before, ');
  second.stream.end(many);
  await ended;
  expect(seen).toBe(`before, ${many}`);
  // Whoever looks at it later sees what the next read has put there.
  expect(lent.at(-1)?.toString()).not.toBe(many.slice(-(lent.at(-1)?.length ?? 0)));
});

test.each([1000, 65_536])(
  'a socket that is ended while chunks of %i bytes wait tells first that they are out',
  async (size) => {
    const { first, second } = await makeTcpPair();
    const writer = new FlowUser(flowOf(first));
    while (writer.flow.write(Buffer.alloc(size)) === 'free');
    writer.flow.end();
    const reader = new FlowUser(flowOf(second));
    await eventually(() => reader.events, ['end']);
    await eventually(() => writer.events, ['drain', 'finish']);
  },
);

test('a socket that is opened while bytes of another one are passed on does not get its memory', async () => {
  const { first, second } = await makeTcpPair();
  const socket = first.stream as FlowSocket;
  const block = Buffer.alloc(65_536);
  let opened: unknown;
  const heard = once(socket, 'data');
  second.stream.write('x');
  await heard;
  socket.once('data', () => {
    const other = new FlowSocket();
    other.connect(socket.remotePort as number, '127.0.0.1').on('error', () => {});
    const key = Object.getOwnPropertySymbols(other).find(({ description }) => description === 'kBuffer');
    opened = (other as unknown as Record<symbol, unknown>)[key as symbol];
    other.destroy();
  });
  socket.receive(4, block);
  expect([Buffer.isBuffer(opened), opened === block]).toEqual([true, false]);
});
