import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type Http2Stream,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { inTime } from '../../support/eventually.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { describeFields } from './story.ts';

/** One end of an HTTP/2 stream. */
class StreamPeer<S extends Http2Stream = Http2Stream> extends RawPeer {
  readonly http2: S;
  /** Sent after the body. */
  protected ownTrailers: OutgoingHttpHeaders = {};

  constructor(stream: S) {
    super({ stream, reset: () => stream.close(constants.NGHTTP2_CONNECT_ERROR) });
    this.http2 = stream;
    // Node sends an END_STREAM before the reset, unless the stream waits for trailers.
    stream.on('wantTrailers', () => {
      if (!stream.destroyed && !stream.closed) stream.sendTrailers(this.ownTrailers);
    });
  }
}

/** A stream as its server sees it. */
export class ServedStream extends StreamPeer<ServerHttp2Stream> {
  /** Of the request: its pseudo-fields and those that matter. */
  readonly head: string;

  constructor(stream: ServerHttp2Stream, rawHeaders: readonly string[]) {
    super(stream);
    this.head = describePairs(rawHeaders);
  }

  answer(status: number, fields: OutgoingHttpHeaders = {}, end: 'open' | 'ended' = 'open'): void {
    this.http2.respond(
      { ':status': status, ...fields },
      { endStream: end === 'ended', waitForTrailers: end === 'open' },
    );
  }

  /** Sends fields after the body, and ends it. */
  endWith(body: string, trailers: OutgoingHttpHeaders): void {
    this.ownTrailers = trailers;
    this.http2.end(body);
  }
}

/** A server of HTTP/2 in cleartext whose answers the test gives. */
export interface Http2Origin {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** The next request that was not asked for yet, once it is there. */
  accept(): Promise<ServedStream>;
}

/** Starts a server of HTTP/2 that lives as long as the test. */
export async function startHttp2Origin(): Promise<Http2Origin> {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  const waiting: ServedStream[] = [];
  let accepted = 0;
  let wake = () => {};
  server.on('session', (session) => {
    accepted++;
    session.on('error', () => {});
    onTestFinished(() => session.destroy());
  });
  // The types of Node do not know the fourth.
  type OnStream = (stream: ServerHttp2Stream, headers: object, flags: number, raw: readonly string[]) => void;
  const onStream: OnStream = (stream, _headers, _flags, raw) => {
    waiting.push(new ServedStream(stream, raw));
    wake();
  };
  server.on('stream', onStream);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async accept() {
      if (waiting.length === 0)
        await inTime('a request to the HTTP/2 origin', new Promise<void>((done) => (wake = done)));
      return waiting.shift() as ServedStream;
    },
  };
}

/** The types of Node do not know the third. */
type OnFields = (headers: object, flags: number, raw: readonly string[]) => void;

/** A stream as its client sees it. */
export class AskedStream extends StreamPeer<ClientHttp2Stream> {
  readonly #answer: Promise<string>;
  readonly #trailers: string[] = [];

  constructor(stream: ClientHttp2Stream) {
    super(stream);
    this.#answer = new Promise((resolve) => {
      const onAnswer: OnFields = (_headers, _flags, raw) => resolve(describePairs(raw));
      stream.once('response', onAnswer);
      stream.once('close', () => resolve('no answer, reset'));
    });
    const onTrailers: OnFields = (_headers, _flags, raw) => this.#trailers.push(describePairs(raw));
    stream.once('trailers', onTrailers);
  }

  /** The answer's status and the fields that matter. */
  answer(): Promise<string> {
    return inTime('an answer', this.#answer);
  }

  /** The fields that came after the body, once it has ended. */
  trailers(): readonly string[] {
    return this.#trailers;
  }
}

/** One HTTP/2 connection. */
export interface Http2Client {
  ask(headers: OutgoingHttpHeaders, end?: 'open' | 'ended'): AskedStream;
  connect(authority: string, more?: OutgoingHttpHeaders): AskedStream;
}

/** Connects to a port of 127.0.0.1 by prior knowledge. */
export async function connectHttp2Client(port: number, isSecured = false): Promise<Http2Client> {
  const session = isSecured
    ? connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, servername: 'localhost' })
    : connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  await inTime('an HTTP/2 connection', once(session, 'remoteSettings'));
  return {
    ask: (headers, end = 'ended') =>
      new AskedStream(session.request(headers, { endStream: end === 'ended', waitForTrailers: end === 'open' })),
    connect: (authority, more = {}) =>
      new AskedStream(
        session.request(
          { ':method': 'CONNECT', ':authority': authority, ...more },
          { endStream: false, waitForTrailers: true },
        ),
      ),
  };
}

function describePairs(raw: readonly string[]): string {
  return describeFields(raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [])));
}
