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
  // It is read into memory of Node's, so nobody sees how much comes at a time.
  keepFreedMemory();
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

/** A chunk of so many bytes is part of a bulk transfer. */
export const bulkBytes: number = 16 * 1024;

/** The largest block that makes glibc raise its thresholds when it is freed. */
const raisingBytes = 31 * 1024 * 1024;

let isKept = false;

/**
 * Keeps the allocator from returning the memory of read buffers to the system at every collection and asking for it
 * again, which took half of the time of a bulk transfer in page faults. After one large block is freed, glibc keeps up
 * to twice its size (mallopt(3), M_MMAP_THRESHOLD). The block is never touched and so costs no memory. With other
 * allocators this has no effect.
 *
 * To be called where a bulk transfer shows itself, and not before: glibc then also keeps what V8's compilers have
 * freed, 6 MB in a process whose tunnels are silent (docs/notes/memory-per-tunnel.md). Only the first call counts.
 */
export function keepFreedMemory(): void {
  if (isKept) return;
  isKept = true;
  const { port1, port2 } = new MessageChannel();
  const block = new ArrayBuffer(raisingBytes);
  // A transferred block that nobody receives is freed at once, not at the next collection.
  port1.postMessage(block, [block]);
  port1.close();
  port2.close();
}
