import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Files of a certificate. */
export interface CertFiles {
  readonly cert: string;
  readonly key: string;
}

/** A target in this process. */
export interface Origin {
  readonly port: number;
  stop(): Promise<void>;
}

/** The bytes that a greeter sends before it receives anything. */
export const greeting = 'hello from the target\n';

/** Starts a TCP server that speaks first and then sends back what it gets. */
export async function startGreeter(): Promise<Origin> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write(greeting);
    socket.pipe(socket);
  });
  return listen(server);
}

/** Starts a TCP server that never says anything. */
export async function startSilence(): Promise<Origin> {
  return listen(createServer((socket) => void socket.on('error', () => {}).resume()));
}

/** Starts a TCP server that hangs up on whoever comes. */
export async function startHangingUp(): Promise<Origin> {
  return listen(createServer((socket) => void socket.on('error', () => {}).end()));
}

/**
 * Starts a web server, with TLS where files are given. It answers a request that has a body with that body,
 * any other with its method and path.
 */
export async function startWebOrigin(tls?: CertFiles): Promise<Origin> {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['content-length'] === undefined) response.end(`${request.method} ${request.url}`);
    else request.pipe(response);
  };
  const server = tls
    ? createHttpsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, answer)
    : createHttpServer(answer);
  return listen(server);
}

async function listen(server: Server): Promise<Origin> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
