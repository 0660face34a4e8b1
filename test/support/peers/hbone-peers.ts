import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { inTime } from '../eventually.ts';
import type { Mesh } from '../certs/mesh.ts';

/** A request that arrived at a scripted endpoint. */
export interface Arrival {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** True if the HEADERS frame ended the request. */
  readonly ended: boolean;
}

/** An HBONE endpoint played by a test, with Node's own TLS and HTTP/2. */
export interface HbonePeer {
  readonly port: number;
  readonly sessions: readonly ServerHttp2Session[];
  /** Waits for the next request that was not returned yet. */
  next(): Promise<Arrival>;
}

/** Starts an endpoint with the certificate of `gateway`; `answer` is called for each request. */
export async function startHbonePeer(mesh: Mesh, answer: (arrival: Arrival) => void = () => {}): Promise<HbonePeer> {
  const sessions: ServerHttp2Session[] = [];
  const waiting: Arrival[] = [];
  let wake: () => void = () => {};
  const server = createSecureServer({
    ...mesh.gateway,
    ca: mesh.certs.ca.certPem,
    requestCert: true,
    minVersion: 'TLSv1.3',
  });
  server.on('session', (session) => void sessions.push(session.on('error', () => {})));
  server.on('stream', (stream, headers, flags) => {
    stream.on('error', () => {});
    // NGHTTP2_FLAG_END_STREAM
    const arrival = { stream, headers, ended: (flags & 1) !== 0 };
    answer(arrival);
    waiting.push(arrival);
    wake();
  });
  onTestFinished(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sessions,
    async next() {
      if (waiting.length === 0) await inTime('a request', new Promise<void>((resolve) => (wake = resolve)));
      return waiting.shift() as Arrival;
    },
  };
}

/** The outcome of a request to an HBONE server. */
export interface Reply {
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
  /** True if the HEADERS frame of the answer ended the response. */
  readonly ended: boolean;
}

/** Connects with Node's own TLS, as `cart` unless the options say otherwise. */
export async function connectTlsPeer(mesh: Mesh, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ALPNProtocols: ['h2'],
    ...mesh.cart,
    // The server's certificate is not verified here; other tests do that.
    rejectUnauthorized: false,
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  await inTime(
    'the handshake',
    new Promise<void>((resolve, reject) => void socket.once('secureConnect', resolve).once('error', reject)),
  );
  return socket.on('error', () => {});
}

/** Opens an HTTP/2 session with an HBONE server and waits for its SETTINGS. */
export async function connectHbone(mesh: Mesh, port: number): Promise<ClientHttp2Session> {
  const socket = await connectTlsPeer(mesh, port);
  const session = connect('https://peer', { createConnection: () => socket });
  onTestFinished(() => session.destroy());
  session.on('error', () => {});
  await inTime('SETTINGS', new Promise((resolve) => session.once('remoteSettings', resolve)));
  return session;
}

/** Sends a request that stays open and waits for its answer. */
export async function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<Reply> {
  const stream = session.request(headers, { endStream: false, waitForTrailers: true });
  stream.on('error', () => {}).on('wantTrailers', () => stream.sendTrailers({}));
  const [answer, flags] = await inTime(
    'the answer',
    new Promise<[IncomingHttpHeaders, number]>((resolve) =>
      stream.once('response', (...args) => resolve(args as unknown as [IncomingHttpHeaders, number])),
    ),
  );
  return { headers: answer, stream, ended: (flags & 1) !== 0 };
}

/** Asks for a tunnel. */
export function askFor(session: ClientHttp2Session, authority: string): Promise<Reply> {
  return ask(session, { ':method': 'CONNECT', ':authority': authority });
}
