import fc from 'fast-check';
import { connect, createServer, type Http2Session, type OutgoingHttpHeaders } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import type { HeaderField } from '../../../src/core/hop.ts';
import { linkPair } from '../../../src/core/link.ts';
import { HpackDecoder } from '../../../src/h2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/h2/hpack/encoder.ts';
import { amount } from '../../support/amounts.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { flags, formatNumber, preface } from '../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../support/peers/h2-peer.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { fieldLists, tableSizes } from './blocks.ts';

const headerTableSize = 1;

/** Lists of fields in batches, with the size of the table for each batch. */
const batches = fc.sample(
  fc.record({ tableBytes: tableSizes, lists: fc.array(fieldLists, { minLength: 10, maxLength: 30 }) }),
  { numRuns: amount(25, 400), seed: 7541 },
);

const pseudoFields: readonly HeaderField[] = [
  [':method', 'GET'],
  [':authority', 'example.com'],
  [':scheme', 'http'],
  [':path', '/'],
];

const whole = flags.endHeaders | flags.endStream;

/** The fields of a list that Node's types call flags, or that they do not have at all. */
function pairUp(raw: unknown): HeaderField[] {
  const list = raw as readonly string[];
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : []));
}

test('nghttp2 decodes what we encode, while it changes the size of its table', async () => {
  const [near, far] = linkPair();
  const seen: HeaderField[][] = [];
  const server = createServer();
  server.on('stream', (stream, _headers, _flags, ...[raw]: unknown[]) => {
    seen.push(pairUp(raw));
    stream.on('error', () => {});
    stream.close();
  });
  const accepted = new Promise<Http2Session>((resolve) => server.once('session', resolve));
  server.emit('connection', far.stream);
  const peer = new Http2Peer(new RawPeer(near));
  peer.start();
  const session = await inTime('the session', accepted);
  onTestFinished(() => session.destroy());
  const encoder = new HpackEncoder();
  for (const { tableBytes, lists } of batches) {
    session.settings({ headerTableSize: tableBytes });
    const isChange = (payload: Buffer) => payload.length > 0 && payload.readUInt16BE(0) === headerTableSize;
    const { payload } = await peer.until('SETTINGS', (frame) => frame.type === 'settings' && isChange(frame.payload));
    encoder.setMaxTableBytes(payload.readUInt32BE(2));
    seen.length = 0;
    const requests = lists.map((fields) => [...pseudoFields, ...fields]);
    for (const fields of requests) peer.send('headers', peer.nextStream(), encoder.encode(fields), whole);
    await eventually(() => seen.length, requests.length);
    expect(seen).toEqual(requests);
  }
});

/** The fields that Node sends only once. */
const singleNames = new Set(['authorization', 'date', 'user-agent']);

/** The fields in the form that Node's HTTP/2 takes, and in the order in which it sends them. */
function toHeaders(fields: readonly HeaderField[]): { headers: OutgoingHttpHeaders; sent: HeaderField[] } {
  const valuesByName = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const values = valuesByName.get(name) ?? [];
    if (values.length === 0 || !singleNames.has(name)) values.push(value);
    valuesByName.set(name, values);
  }
  const sent = [...valuesByName].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  return { headers: Object.fromEntries(valuesByName), sent };
}

test('we decode what nghttp2 encodes, while we change the size of our table', async () => {
  const [near, far] = linkPair();
  const client = connect('http://example.com', { createConnection: () => far.stream });
  onTestFinished(() => client.destroy());
  const peer = new Http2Peer(new RawPeer(near));
  await peer.raw.read(preface.length);
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 100_000, maxFields: 100 });
  for (const { tableBytes, lists } of batches) {
    peer.send('settings', 0, Buffer.concat([Buffer.of(0, headerTableSize), formatNumber(tableBytes)]));
    await peer.until('the acknowledgement', ({ type, flags: bits }) => type === 'settings' && bits === flags.ack);
    decoder.setMaxTableBytes(tableBytes);
    for (const fields of lists) {
      const { headers, sent } = toHeaders(fields);
      client
        .request({ ...Object.fromEntries(pseudoFields), ...headers })
        .on('error', () => {})
        .resume();
      const frame = await peer.until('a request', ({ type }) => type === 'headers');
      expect(frame.flags).toBe(whole);
      expect(decoder.decode(frame.payload)).toEqual({ fields: [...pseudoFields, ...sent], isTooLarge: false });
      peer.send('headers', frame.stream, Buffer.of(0x88), whole);
    }
  }
});
