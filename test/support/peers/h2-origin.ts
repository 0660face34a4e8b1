import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Target } from '../targets/plain.ts';

/** The behaviour of an upstream with a request; `raw` are the fields as received. */
export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]) => void;

/** Starts an upstream with Node's HTTP/2 server, which accepts its connections itself. */
export async function startHttp2Origin(onStream: OnStream): Promise<Target> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: readonly string[]) => {
    stream.on('error', () => {});
    onStream(stream, headers, raw);
  });
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket.once('close', () => sockets.delete(socket)));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    accept: () => Promise.reject(new Error('the server takes them')),
  };
}
