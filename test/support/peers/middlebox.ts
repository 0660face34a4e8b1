import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { resetError } from '../../../src/core/link.ts';
import { socketLink } from '../../../src/core/socket-link.ts';

/** The way in which bytes pass in one direction. */
export type Passage = (chunk: Buffer, send: (piece: Buffer) => Promise<void>) => Promise<void>;

/** Sends each byte in its own segment, up to a number of bytes; the rest passes unchanged. */
export function splitFirst(bytes: number): Passage {
  let left = bytes;
  return async (chunk, send) => {
    const single = Math.min(left, chunk.length);
    left -= single;
    for (let at = 0; at < single; at++) await send(chunk.subarray(at, at + 1));
    if (single < chunk.length) await send(chunk.subarray(single));
  };
}

/** Joins the data of a short time into one segment. */
export function joinChunks(): Passage {
  let held: Buffer[] = [];
  let timer: NodeJS.Timeout | undefined;
  return (chunk, send) => {
    held.push(chunk);
    clearTimeout(timer);
    timer = setTimeout(() => {
      void send(Buffer.concat(held));
      held = [];
    }, 30);
    return Promise.resolve();
  };
}

const asTheyCome: Passage = (chunk, send) => send(chunk);

/** A box between a client and a server that treats their bytes as networks do. */
export interface Middlebox {
  readonly port: number;
  /** Resets all its connections, both ways. */
  cut(): void;
  /** Cuts them, and takes no more. */
  close(): void;
}

/** Starts a middlebox in front of a port of 127.0.0.1. It passes ends and resets on. */
export async function startMiddlebox(
  serverPort: number,
  passages: { toServer?: () => Passage; toClient?: () => Passage } = {},
): Promise<Middlebox> {
  const { toServer = () => asTheyCome, toClient = () => asTheyCome } = passages;
  const sockets = new Set<Socket>();
  const cut = () => {
    for (const socket of sockets) socketLink(socket, {}).reset(resetError('cut'));
  };
  const box = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    pass(client, server, toServer());
    pass(server, client, toClient());
  });
  await new Promise<void>((resolve) => void box.listen(0, '127.0.0.1', resolve));
  const { port } = box.address() as AddressInfo;
  const close = () => {
    box.close();
    cut();
  };
  onTestFinished(close);
  return { port, cut, close };
}

/** Passes bytes, the end and a reset of one socket on to another. */
export function passAsIs(source: Socket, destination: Socket): void {
  pass(source, destination, asTheyCome);
}

function pass(source: Socket, destination: Socket, passage: Passage): void {
  // A turn of the event loop between two pieces makes a reader receive them one by one.
  const send = (piece: Buffer) =>
    new Promise<void>((resolve) => void destination.write(piece, () => setImmediate(resolve)));
  let passing = Promise.resolve();
  source.on('data', (chunk) => {
    source.pause();
    passing = passing.then(() => passage(chunk, send)).then(() => void source.resume());
  });
  source.once('end', () => void passing.then(() => destination.end()));
  source.once('error', (error) => socketLink(destination, {}).reset(error));
}
