import { expect, test } from 'vitest';
import { flowOf } from '../../src/core/duplex-flow.ts';
import { linkPair } from '../../src/core/link.ts';
import { WebSocketFlow } from '../../src/websocket/flow.ts';
import { linkContract } from '../conformance/link-contract.ts';
import { webSocketLink } from '../../src/websocket/link.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { FlowUser } from '../support/flow-user.ts';
import { frames, readOpcodes, startWebSocket } from '../support/harness/websocket-bed.ts';
import { turn } from '../support/turns.ts';

const { word, end, ping, normal } = frames;

linkContract('a WebSocket in a WebSocket', async () => {
  const { first, second } = await makeTcpPair();
  const pair = { first: webSocketLink(first, 'client'), second: webSocketLink(second, 'server') };
  return { first: webSocketLink(pair.first, 'client'), second: webSocketLink(pair.second, 'server') };
});

test('delivers nothing between pause and resume, and an end only behind what came before it', async () => {
  const { flow, user, far } = startWebSocket();
  user.keeps = true;
  user.onChunk = () => flow.pause();
  far.send(Buffer.concat([word, ping, word, end]));
  await turn();
  // Both came in one read, together.
  expect(user.kept.map(String)).toEqual(['abcabc']);
  const other = startWebSocket({ reading: false });
  other.user.keeps = true;
  other.far.send(Buffer.concat([word, end]));
  await turn();
  expect([other.user.kept, other.user.events]).toEqual([[], []]);
  other.flow.resume();
  await turn();
  expect([other.user.kept.map(String), other.user.events]).toEqual([['abc'], ['end']]);
});

test('holds what follows a pause in the same read', async () => {
  const { flow, user, far } = startWebSocket();
  user.keeps = true;
  user.onChunk = () => flow.pause();
  // The end of a message of nothing parts the two reads of the receiver; a fault would, too.
  far.send(Buffer.concat([word, word]));
  far.send(word);
  await turn();
  expect(user.kept.map(String)).toEqual(['abcabc']);
  flow.resume();
  await turn();
  expect(Buffer.concat(user.kept).toString()).toBe('abcabcabc');
});

test('knows an end and a failure that came before anybody listened', async () => {
  const [below, far] = linkPair();
  const flow = new WebSocketFlow(flowOf(below), 'client');
  flow.resume();
  far.stream.write(Buffer.concat([word, end]));
  await turn();
  expect(flow.isEnded).toBe(false);
  const user = new FlowUser(flow);
  await turn();
  expect([user.print.bytes, user.events, flow.isEnded]).toEqual([3, ['end'], true]);
  const [gone] = linkPair();
  gone.stream.destroy();
  await turn();
  const lost = new FlowUser(new WebSocketFlow(flowOf(gone), 'server'));
  await turn();
  expect(lost.events).toEqual(['reset']);
  expect(lost.flow.failure).toBe(lost.error);
});

test('closes the connection once both sides have ended it', async () => {
  const { flow, user, below, far } = startWebSocket();
  far.send(end);
  flow.end();
  await turn();
  far.send(normal);
  far.fin();
  await turn();
  expect(readOpcodes(far)).toEqual([2, 8]);
  expect(far.inbox.farEnd).toBe('fin');
  expect([user.events.filter((event) => event !== 'drain').toSorted(), below.destroyed]).toEqual([
    ['end', 'finish'],
    true,
  ]);
});

test('takes a reset behind both ends for no failure', async () => {
  const { flow, user, far } = startWebSocket();
  far.send(end);
  flow.end();
  await turn();
  far.reset();
  await turn();
  expect([flow.failure, user.events.includes('reset')]).toEqual([undefined, false]);
});

test('reports a reset before the last bytes were out', async () => {
  const { flow, user, far } = startWebSocket();
  far.stream.pause();
  far.send(end);
  await turn();
  flow.write(Buffer.alloc(1 << 20));
  flow.end();
  await turn();
  expect(flow.isFinished).toBe(false);
  far.reset();
  await turn();
  expect(user.events).toEqual(['end', 'reset']);
});

test('answers no pings of a peer that does not read the answers', async () => {
  const { flow, far, below } = startWebSocket();
  far.stream.pause();
  flow.write(Buffer.alloc(80 * 1024));
  const waiting = below.writableLength;
  for (let round = 0; round < 100; round++) far.send(ping);
  await turn();
  expect(below.writableLength).toBeLessThanOrEqual(waiting);
});

test.each(['client', 'server'] as const)('a %s takes its own frames for a fault', async (role) => {
  const [below, far] = linkPair();
  const user = new FlowUser(new WebSocketFlow(flowOf(below), role));
  new WebSocketFlow(flowOf(far), role).write(Buffer.from('x'));
  await turn();
  expect(user.events).toEqual(['reset']);
  expect(user.error?.message).toMatch(role === 'server' ? /is not masked/ : /is masked/);
});
