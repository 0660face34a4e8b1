import { createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TcpAddress } from '../../../src/core/address.ts';
import { resetError } from '../../../src/core/link.ts';
import { socketLink } from '../../../src/core/socket-link.ts';
import { inTime } from '../eventually.ts';
import { RawPeer } from '../peers/raw-peer.ts';

/** The behaviour of a target with a connection. */
export type Behaviour = (socket: Socket) => void;

/** A TCP server on 127.0.0.1 that lives as long as the test. */
export interface Target {
  readonly port: number;
  readonly address: TcpAddress;
  /** The connections accepted so far, and those that are still open. */
  readonly accepted: number;
  readonly open: number;
  /** Waits for the next connection that was not returned yet. */
  accept(options?: { reading?: boolean }): Promise<RawPeer>;
}

/** Starts a target. Without a behaviour, the test itself plays the target with `accept`. */
export async function startTarget(behave: Behaviour = () => {}): Promise<Target> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let accepted = 0;
  let wake: () => void = () => {};
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    behave(socket);
    waiting.push(socket);
    wake();
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const arrival = () => new Promise<void>((resolve) => (wake = resolve));
  return {
    port,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    async accept(options) {
      if (waiting.length === 0) await inTime('a connection to the target', arrival());
      return new RawPeer(socketLink(waiting.shift() as Socket, {}), options);
    },
  };
}

/** A port on which nothing listens: only the super-user could open it. */
export const refusedAddress: TcpAddress = { kind: 'tcp', host: '127.0.0.1', port: 1 };

/** Echoes, and ends when the client does. */
export const echo: Behaviour = (socket) => void socket.pipe(socket);

/** Echoes so much later, as a target does that is far away. */
export const echoAfter =
  (ms: number): Behaviour =>
  (socket) => {
    socket.on('data', (chunk) => setTimeout(() => socket.writable && socket.write(chunk), ms));
    socket.once('end', () => setTimeout(() => socket.end(), ms));
  };

/** Sends a greeting first, then echoes. */
export const greet =
  (greeting: string | Buffer): Behaviour =>
  (socket) => {
    socket.write(greeting);
    echo(socket);
  };

/** Sends nothing until the client has ended, then answers its question and ends. */
export const answerAtEnd =
  (answer: (question: Buffer) => string | Buffer): Behaviour =>
  (socket) => {
    const question: Buffer[] = [];
    socket.on('data', (chunk) => question.push(chunk));
    socket.on('end', () => socket.end(answer(Buffer.concat(question))));
  };

/** Answers each request of a connection with its path, and keeps the connection. */
export const answerPaths: Behaviour = (socket) => {
  let pending = '';
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
      const path = pending.split(' ')[1] ?? '';
      pending = pending.slice(end + 4);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    }
  });
};

/** Resets the connection once it has received a number of bytes. */
export const resetAfter =
  (bytes: number): Behaviour =>
  (socket) => {
    let left = bytes;
    const cut = () => socketLink(socket, {}).reset(resetError('reset by the target'));
    if (left === 0) return cut();
    socket.on('data', (chunk) => (left -= chunk.length) <= 0 && cut());
  };

/** Reads everything, sends nothing, and ends when the client ends. */
export const listenOnly: Behaviour = (socket) => void socket.resume().once('end', () => socket.end());

/** Accepts, but never reads, sends or ends. */
export const stall: Behaviour = (socket) => void socket.pause();
