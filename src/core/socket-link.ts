import type { Duplex } from 'node:stream';
import { guardStream, type Link, type Peer } from './link.ts';

/** The parts of a TCP socket that a Link needs. */
export interface SocketStream extends Duplex {
  resetAndDestroy(): unknown;
}

interface SocketHandle {
  getpeername?(out: object): number;
  readStart(): number;
}

/** Makes a Link of a TCP socket; its reset is a TCP RST. */
export function socketLink(socket: SocketStream, peer: Peer): Link {
  guardStream(socket);
  interceptFalseEnd(socket);
  return { stream: socket, peer, reset: makeReset(socket) };
}

/** Makes the function that resets a TCP socket. Idempotent. */
export function makeReset(socket: SocketStream): () => void {
  const reset = () => {
    if (!socket.destroyed) socket.resetAndDestroy();
  };
  return () => runAfterFin(socket, reset);
}

function interceptFalseEnd(socket: SocketStream): void {
  const push = socket.push.bind(socket);
  let isSure = false;
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null || isSure) return push(chunk, encoding);
    isSure = true;
    return readsOn(socket) ? false : push(null);
  };
}

/**
 * Tells a reset from an end, the first time that a socket ends. libuv reports an end when the system says "hung up"
 * together with the last bytes, without checking whether it was a FIN or a reset: a reset right after data would be a
 * clean end with bytes missing. A socket that is still connected was ended by a FIN; any other is read once more, which
 * shows the difference. Returns true if it is.
 */
export function readsOn(socket: Duplex): boolean {
  return isDisconnected(socket) && handleOf(socket)?.readStart() === 0;
}

/**
 * True for a socket that the system has disconnected: after a reset, or after a FIN each way. As long as we have not
 * sent our FIN it can only be a reset.
 */
export function isDisconnected(socket: Duplex): boolean {
  // Unix sockets have no such call, and no resets either.
  const code = handleOf(socket)?.getpeername?.({});
  return code !== undefined && code !== 0;
}

function handleOf(socket: Duplex): SocketHandle | undefined {
  return (socket as { _handle?: SocketHandle | null })._handle ?? undefined;
}

/**
 * Runs `reset` now, or right after the stream's FIN if that is just being handed to the system: libuv refuses to reset
 * a socket in that moment (`EINVAL`), and Node would leave it open for ever.
 */
export function runAfterFin(stream: Duplex, reset: () => void): void {
  const isEnding = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0;
  if (isEnding && !stream.destroyed) stream.once('finish', reset);
  else reset();
}
