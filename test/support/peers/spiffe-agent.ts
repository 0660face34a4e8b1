import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { IssuedCertificate } from '../certs/certs.ts';
import { makeTempFolder } from '../temp.ts';

/** An identity as an agent sends it. */
export interface AgentSvid {
  readonly id: string;
  readonly leaf: Pick<IssuedCertificate, 'certPem'>;
  readonly key: Pick<IssuedCertificate, 'keyPem'>;
  readonly authorities: readonly Pick<IssuedCertificate, 'certPem'>[];
  /** The authorities of other trust domains, by their ids. */
  readonly federated?: Readonly<Record<string, readonly Pick<IssuedCertificate, 'certPem'>[]>>;
}

/** The Workload API of a SPIFFE agent, played by a test with Node's own HTTP/2. */
export interface SpiffeAgent {
  /** Its address as `unix:PATH`. */
  readonly address: string;
  /** How often it was asked. */
  readonly asked: number;
  /** How many listen to it now. */
  readonly listening: number;
  /** Sends an identity to everyone who listens, and to those who ask later. */
  send(svid: AgentSvid): void;
  /** Refuses from now on, with a status and a message of gRPC. */
  refuse(status: number, message: string): void;
  /** Closes its socket and all connections. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts an agent that knows one identity. */
export async function startSpiffeAgent(first: AgentSvid): Promise<SpiffeAgent> {
  const path = join(makeTempFolder(), 'agent.sock');
  let message = toMessage(first);
  let refusal: readonly [number, string] | undefined;
  let asked = 0;
  let server: Http2Server;
  let sessions: ServerHttp2Session[] = [];
  let streams: ServerHttp2Stream[] = [];
  const serve = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => {
    stream.on('error', () => {});
    asked++;
    const isRight =
      headers[':path'] === '/SpiffeWorkloadAPI/FetchX509SVID' &&
      headers['content-type'] === 'application/grpc' &&
      headers['te'] === 'trailers' &&
      headers['workload.spiffe.io'] === 'true';
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    const [status, text] = isRight ? (refusal ?? [0, '']) : [3, 'not a request of a workload'];
    if (status !== 0) {
      stream.respond({ ...head, 'grpc-status': String(status), 'grpc-message': text }, { endStream: true });
      return;
    }
    stream.respond(head);
    stream.write(message);
    streams.push(stream);
  };
  const start = async () => {
    server = createServer();
    server.on('session', (session) => void sessions.push(session.on('error', () => {})));
    server.on('stream', serve);
    await new Promise<void>((resolve) => void server.listen(path, resolve));
  };
  const stop = async () => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const session of sessions) session.destroy();
    sessions = [];
    streams = [];
    await closed;
  };
  await start();
  onTestFinished(stop);
  return {
    address: `unix:${path}`,
    get asked() {
      return asked;
    },
    get listening() {
      return streams.filter((stream) => !stream.destroyed).length;
    },
    send(svid) {
      message = toMessage(svid);
      for (const stream of streams) if (!stream.destroyed) stream.write(message);
    },
    refuse: (...given) => void (refusal = given),
    stop,
    start,
  };
}

function toMessage({ id, leaf, key, authorities, federated = {} }: AgentSvid): Buffer {
  const der = (list: readonly Pick<IssuedCertificate, 'certPem'>[]) =>
    Buffer.concat(list.map(({ certPem }) => new X509Certificate(certPem).raw));
  const svid = Buffer.concat([
    field(1, Buffer.from(id)),
    field(2, der([leaf])),
    field(3, createPrivateKey(key.keyPem).export({ type: 'pkcs8', format: 'der' })),
    field(4, der(authorities)),
    field(5, Buffer.from('a hint')),
  ]);
  const others = Object.entries(federated).map(([domain, list]) =>
    field(3, Buffer.concat([field(1, Buffer.from(domain)), field(2, der(list))])),
  );
  const response = Buffer.concat([field(1, svid), ...others]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(response.length, 1);
  return Buffer.concat([head, response]);
}

function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
}
