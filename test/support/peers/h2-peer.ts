import { connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';
import { streamLink } from '../../../src/core/link.ts';
import {
  type Field,
  flags,
  type Frame,
  frameHeadBytes,
  formatFields,
  formatFrame,
  formatNumber,
  type FrameType,
  parseFrame,
  parseStatus,
  preface,
} from './h2-frames.ts';
import { connectPeer, RawPeer } from './raw-peer.ts';
import type { Target } from '../targets/plain.ts';

/** The outcome of a request: the status of its answer, or the code of the reset that came instead. */
export type Outcome = { readonly status: number } | { readonly reset: number };

/** One of the settings of RFC 9113, section 6.5.2. */
export type Setting = readonly [id: number, value: number];

const SETTINGS_HEADER_TABLE_SIZE = 1;

/** The largest payload of a frame that every peer accepts. */
const maxFrameBytes = 16_384;

/** One end of an HTTP/2 connection, played frame by frame. */
export class Http2Peer {
  readonly raw: RawPeer;
  /** The number of SETTINGS to acknowledge; later ones are read without an answer. */
  acknowledged = Infinity;
  answersPings = true;
  #lastStream = -1;
  /** Streams whose end came with the last bytes that were read. */
  readonly #ended = new Set<number>();

  constructor(raw: RawPeer) {
    this.raw = raw;
  }

  /** Sends the preface and settings that keep the other side from using a dynamic table. */
  start(settings: readonly Setting[] = []): void {
    this.raw.send(preface);
    this.settings([[SETTINGS_HEADER_TABLE_SIZE, 0], ...settings]);
  }

  settings(settings: readonly Setting[]): void {
    const payload = settings.map(([id, value]) => Buffer.concat([Buffer.of(0, id), formatNumber(value)]));
    this.send('settings', 0, Buffer.concat(payload));
  }

  send(type: FrameType, stream: number, payload: Buffer | string = '', bits: number = flags.none): void {
    this.raw.send(formatFrame(type, stream, Buffer.from(payload as string, 'latin1'), bits));
  }

  /** Sends a request with these fields and returns its stream. */
  request(fields: readonly Field[], bits: number = flags.endHeaders): number {
    const stream = this.nextStream();
    this.send('headers', stream, formatFields(fields), bits);
    return stream;
  }

  /** Sends a header block of any size: HEADERS, and CONTINUATION for the rest. */
  sendFields(stream: number, fields: readonly Field[], bits: number = flags.none): void {
    const block = formatFields(fields);
    for (let at = 0; at === 0 || at < block.length; at += maxFrameBytes) {
      const isLast = at + maxFrameBytes >= block.length;
      const part = block.subarray(at, at + maxFrameBytes);
      const type = at === 0 ? 'headers' : 'continuation';
      this.send(type, stream, part, (isLast ? flags.endHeaders : flags.none) | (at === 0 ? bits : flags.none));
    }
  }

  /** Asks for a tunnel. */
  connect(authority: string, more: readonly Field[] = []): number {
    return this.request([[':method', 'CONNECT'], [':authority', authority], ...more]);
  }

  /** Waits for a request and returns its stream. */
  async nextRequest(): Promise<number> {
    return (await this.until('a request', ({ type }) => type === 'headers')).stream;
  }

  /** Answers a request with these fields. */
  answer(stream: number, status: number, fields: readonly Field[] = [], bits: number = flags.endHeaders): void {
    this.send('headers', stream, formatFields([[':status', String(status)], ...fields]), bits);
  }

  /** Ends the session. Streams above `last` were not processed. */
  goaway(last: number, code: number): void {
    this.send('goaway', 0, Buffer.concat([formatNumber(last), formatNumber(code)]));
  }

  nextStream(): number {
    this.#lastStream += 2;
    return this.#lastStream;
  }

  /** Lets the peer send more, on a stream or on the connection (0). */
  widen(stream: number, bytes: number): void {
    this.send('windowUpdate', stream, formatNumber(bytes));
  }

  reset(stream: number, code: number): void {
    this.send('reset', stream, formatNumber(code));
  }

  /** Takes frames until one is accepted; SETTINGS and PING on the way are answered, unless it is told otherwise. */
  async until(what: string, accept: (frame: Frame) => boolean): Promise<Frame> {
    const { inbox } = this.raw;
    for (;;) {
      const frame = await inbox.until(what, () => parseFrame(inbox.pending));
      inbox.take(frameHeadBytes + frame.payload.length);
      const isAck = (frame.flags & flags.ack) !== 0;
      if (frame.type === 'settings' && !isAck && this.acknowledged-- > 0) this.send('settings', 0, '', flags.ack);
      if (frame.type === 'ping' && !isAck && this.answersPings) this.send('ping', 0, frame.payload, flags.ack);
      if (accept(frame)) return frame;
    }
  }

  /** Waits until the other side has read everything that was sent. */
  async isRead(): Promise<void> {
    this.send('ping', 0, Buffer.alloc(8, 'read'));
    await this.until('the answer to PING', ({ type, flags: bits }) => type === 'ping' && (bits & flags.ack) !== 0);
  }

  /** Waits for the next frame of a stream. */
  frameOf(stream: number, ...types: readonly FrameType[]): Promise<Frame> {
    return this.until(`${types.join(' or ')} on stream ${stream}`, (frame) => {
      return frame.stream === stream && (types.length === 0 || types.includes(frame.type as FrameType));
    });
  }

  /** Waits for the answer to a request. */
  async outcomeOf(stream: number): Promise<Outcome> {
    const frame = await this.frameOf(stream, 'headers', 'reset');
    if (frame.type === 'reset') return { reset: frame.payload.readUInt32BE(0) };
    const status = parseStatus(frame.payload);
    // A refusal ends with its short body; a tunnel stays open.
    if (status >= 300 && (frame.flags & flags.endStream) === 0) await this.endOf(stream);
    return { status };
  }

  /** Waits for the answers to several requests, in any order. */
  async outcomesOf(streams: readonly number[]): Promise<Outcome[]> {
    const outcomes = new Map<number, Outcome>();
    while (outcomes.size < streams.length) {
      const isAnswer = ({ type, stream }: Frame) =>
        (type === 'headers' || type === 'reset') && streams.includes(stream) && !outcomes.has(stream);
      const { type, stream, payload } = await this.until('an answer', isAnswer);
      outcomes.set(stream, type === 'reset' ? { reset: payload.readUInt32BE(0) } : { status: parseStatus(payload) });
    }
    return streams.map((stream) => outcomes.get(stream) as Outcome);
  }

  /** Waits until the other side has ended a stream. Returns `end`, or the code of the reset. */
  async endOf(stream: number): Promise<'end' | number> {
    if (this.#ended.has(stream)) return 'end';
    const isEnd = ({ type, flags: bits }: Frame) => type === 'reset' || (bits & flags.endStream) !== 0;
    const accept = (frame: Frame) => frame.stream === stream && isEnd(frame);
    const frame = await this.until(`the end of stream ${stream}`, accept);
    return frame.type === 'reset' ? frame.payload.readUInt32BE(0) : 'end';
  }

  /** Takes exactly this number of bytes of a stream's data. */
  async read(stream: number, bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let size = 0; size < bytes;) {
      const { payload, flags: bits } = await this.frameOf(stream, 'data');
      if ((bits & flags.endStream) !== 0) this.#ended.add(stream);
      chunks.push(payload);
      size += payload.length;
    }
    return Buffer.concat(chunks);
  }

  /** Waits until the other side ends the session. Returns the code of its GOAWAY, or that it closed without one. */
  async waitForSessionEnd(): Promise<number | 'closed'> {
    try {
      const { payload } = await this.until('GOAWAY', ({ type }) => type === 'goaway');
      return payload.readUInt32BE(4);
    } catch (error) {
      if (this.raw.inbox.farEnd === 'open') throw error;
      return 'closed';
    }
  }
}

/** Connects to a port of 127.0.0.1, over TLS if requested, and starts HTTP/2. */
export async function connectHttp2(port: number, security: 'clear' | 'tls' = 'clear'): Promise<Http2Peer> {
  const peer = new Http2Peer(security === 'tls' ? await connectTlsPeer(port) : await connectPeer(port));
  peer.start();
  return peer;
}

/** Plays the proxy on a connection of ours: takes the preface and sends its settings. */
export async function acceptHttp2(target: Target, settings: readonly Setting[] = []): Promise<Http2Peer> {
  const peer = new Http2Peer(await target.accept());
  await peer.raw.read(preface.length);
  peer.settings([[SETTINGS_HEADER_TABLE_SIZE, 0], ...settings]);
  return peer;
}

async function connectTlsPeer(port: number): Promise<RawPeer> {
  const socket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  const peer = new RawPeer(streamLink(socket));
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
  });
  return peer;
}
