import { formatFields, formatFrame, formatIndexedField, formatNumber, flags } from '../../support/peers/h2-frames.ts';
import type { Http2Peer } from '../../support/peers/h2-peer.ts';

const none = Buffer.alloc(0);
const eight = Buffer.alloc(8);
const padded = 0x8;
const cancel = formatNumber(0x8);
const mib = 2 ** 20;
const partBytes = 16_384;

/** The windows with which a stream and its connection start. */
const windows = { stream: 256 * 1024, connection: 16 * mib };

/** One session of an attack: resolves once the server has dealt with its last frame. `authority` leads to a target that takes everything. */
export type Attack = (peer: Http2Peer, authority: string) => Promise<void>;

/** What is no attack: bytes through a tunnel, as fast as the windows let them. */
export const sendData: Attack = async (peer, authority) => {
  const id = peer.connect(authority);
  await peer.outcomeOf(id);
  const part = formatFrame('data', id, Buffer.alloc(partBytes));
  let { stream, connection } = windows;
  for (let left = 8 * mib; left > 0; left -= partBytes) {
    while (Math.min(stream, connection) < partBytes) {
      const { stream: widened, payload } = await peer.until('a window', ({ type }) => type === 'windowUpdate');
      if (widened === 0) connection += payload.readUInt32BE(0);
      else stream += payload.readUInt32BE(0);
    }
    peer.raw.send(part);
    stream -= partBytes;
    connection -= partBytes;
  }
  await isRead(peer);
};

/** Sends as much as the windows allow on some streams, whose targets take nothing, until the windows stay closed. */
export async function fillWindows(peer: Http2Peer, streams: readonly number[]): Promise<void> {
  // With this, the update that makes the first window of the connection has been taken.
  await peer.isRead();
  const left = new Map(streams.map((stream) => [stream, windows.stream]));
  let { connection } = windows;
  for (let round = 0; round < 3; round++) {
    for (const stream of streams) {
      for (; Math.min(left.get(stream) ?? 0, connection) >= partBytes; connection -= partBytes) {
        peer.send('data', stream, Buffer.alloc(partBytes));
        left.set(stream, (left.get(stream) ?? 0) - partBytes);
      }
    }
    peer.send('ping', 0, eight);
    await peer.until('the answer to PING', ({ type, flags: bits, stream, payload }) => {
      if (type === 'ping' && (bits & flags.ack) !== 0) return true;
      if (type !== 'windowUpdate') return false;
      if (stream === 0) connection += payload.readUInt32BE(0);
      else left.set(stream, (left.get(stream) ?? 0) + payload.readUInt32BE(0));
      round = 0;
      return false;
    });
  }
}

/** What a peer can ask for without paying. The session may end in the middle. */
export const attacks: readonly (readonly [string, Attack])[] = [
  ['streams that are opened and reset', onStreams(10_000, (id, head) => [open(id, head), reset(id)])],
  ['streams that make us reset them', onStreams(10_000, (id, head) => [open(id, head), widen(id, 0)])],
  [
    'CONTINUATION without end',
    flood(500_000, formatFrame('continuation', 1), ({ raw }, head) => raw.send(formatFrame('headers', 1, head))),
  ],
  [
    'header blocks that unpack to 4 MB',
    onStreams(2000, (id, head) => [
      open(id, Buffer.concat([head, formatIndexedField(['x', 'v'.repeat(4000)]), Buffer.alloc(1000, 0xbe)])),
    ]),
  ],
  ['PING', flood(300_000, formatFrame('ping', 0, eight))],
  ['answers to PING', flood(300_000, formatFrame('ping', 0, eight, flags.ack))],
  ['SETTINGS', flood(500_000, formatFrame('settings', 0))],
  ['empty DATA', flood(500_000, formatFrame('data', 1), openFirst)],
  ['DATA of padding', flood(300_000, formatFrame('data', 1, Buffer.alloc(9, 8), padded), openFirst)],
  ['PRIORITY', flood(300_000, formatFrame('priority', 1001, Buffer.of(0, 0, 0, 0, 1)))],
  ['windows that grow by one byte', flood(300_000, widen(0, 1))],
  ['frames of a type that nobody knows', flood(500_000, formatFrame('origin', 0, none))],
];

/** Waits until the server has read everything, or has ended the session. */
async function isRead(peer: Http2Peer): Promise<void> {
  try {
    await peer.isRead();
  } catch (error) {
    if (peer.raw.inbox.farEnd === 'open') throw error;
  }
}

/** The head of a request for a tunnel. */
function connectTo(authority: string): Buffer {
  return formatFields([
    [':method', 'CONNECT'],
    [':authority', authority],
  ]);
}

function open(stream: number, head: Buffer): Buffer {
  return formatFrame('headers', stream, head, flags.endHeaders);
}

function reset(stream: number): Buffer {
  return formatFrame('reset', stream, cancel);
}

function widen(stream: number, bytes: number): Buffer {
  return formatFrame('windowUpdate', stream, formatNumber(bytes));
}

function openFirst(peer: Http2Peer, head: Buffer): void {
  peer.raw.send(open(peer.nextStream(), head));
}

/** The same frame very often, after a beginning. */
function flood(count: number, frame: Buffer, begin?: (peer: Http2Peer, head: Buffer) => void): Attack {
  return async (peer, authority) => {
    begin?.(peer, connectTo(authority));
    peer.raw.send(Buffer.concat(Array.from({ length: count }, () => frame)));
    await isRead(peer);
  };
}

/** Many streams, and what each of them is attacked with. */
function onStreams(count: number, write: (stream: number, head: Buffer) => readonly Buffer[]): Attack {
  return async (peer, authority) => {
    const head = connectTo(authority);
    const frames = Array.from({ length: count }, () => write(peer.nextStream(), head));
    peer.raw.send(Buffer.concat(frames.flat()));
    await isRead(peer);
  };
}
