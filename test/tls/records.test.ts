import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { flowOf, readLent } from '../../src/core/duplex-flow.ts';
import { linkPair } from '../../src/core/link.ts';
import { poisonReturned } from '../../src/sockets/read-memory.ts';
import { readRecords } from '../../src/sockets/record-reads.ts';
import { SocketFlow } from '../../src/sockets/socket-flow.ts';
import { flowContract } from '../conformance/flow-contract.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { eventually } from '../support/eventually.ts';
import { FlowUser } from '../support/flow-user.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { makeTlsPair } from '../support/harness/tls-pairs.ts';
import { fingerprint, makePayload } from '../support/payload.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
beforeEach(() => poisonReturned(true));
afterEach(() => poisonReturned(false));

const recordBytes = 16 * 1024;
const makePair = async () => makeTlsPair(certs, await makeTcpPair());

flowContract('a client of TLS', makePair);
flowContract('a server of TLS', async () => {
  const { first, second } = await makePair();
  return { first: second, second: first };
});
flowContract('TLS over a pair in memory', () => {
  const [first, second] = linkPair();
  return makeTlsPair(certs, { first, second });
});

test('both ends of TLS are read past the stream, in every version of Node', async () => {
  const { first, second } = await makePair();
  expect([first.flow, second.flow]).toEqual([expect.any(SocketFlow), expect.any(SocketFlow)]);
});

test('the records of one write arrive together, and unchanged whether they are kept or not', async () => {
  const { first, second } = await makePair();
  const payload = makePayload(128 * recordBytes);
  const kept: Buffer[] = [];
  const chunks: Buffer[] = [];
  readLent(first.stream, (chunk) => {
    chunks.push(Buffer.from(chunk));
    if (chunks.length % 2 === 0) return false;
    kept.push(chunk);
    return true;
  });
  second.stream.write(payload);
  await eventually(() => chunks.reduce((sum, { length }) => sum + length, 0), payload.length);
  expect(chunks.length).toBeLessThan(payload.length / recordBytes / 2);
  expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(payload));
  expect(kept.map(fingerprint)).toEqual(chunks.filter((_, index) => index % 2 === 0).map(fingerprint));
});

test('a full record waits for no other, and an end brings what waits before it', async () => {
  const { first, second } = await makePair();
  const user = new FlowUser(flowOf(first));
  second.stream.write(makePayload(recordBytes));
  await eventually(() => user.print.bytes, recordBytes);
  second.stream.end(makePayload(3 * recordBytes));
  await eventually(() => user.events, ['end']);
  expect(user.print.bytes).toBe(4 * recordBytes);
});

test('a chunk of few bytes that is kept holds hardly more memory than its bytes', async () => {
  const { first, second } = await makePair();
  const user = new FlowUser(flowOf(first));
  user.keeps = true;
  second.stream.write(makePayload(recordBytes + 5));
  await eventually(() => user.print.bytes, recordBytes + 5);
  const held = user.kept.filter(({ length }) => length > 4096).map(({ buffer }) => buffer.byteLength);
  expect(Math.max(...held)).toBeLessThanOrEqual(recordBytes + 5);
});

test('a socket that keeps its reads elsewhere than expected is read as a stream', async () => {
  const { first } = await makePair();
  const [socket] = linkPair();
  const strange = Object.assign(socket.stream, { _handle: { useUserBuffer() {} } });
  expect(readRecords(strange as never)).toBeUndefined();
  // One that is read past its stream already has its own memory.
  (first.flow as SocketFlow).listen(new FlowUser(first.flow as SocketFlow));
  expect(readRecords(first.stream as never)).toBeUndefined();
});
