import { readSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { TunlError } from '../core/errors.ts';
import { resetError } from '../core/link.ts';
import { isDisconnected } from '../core/socket-link.ts';
import type { TlsSide } from './failure.ts';
import { Underlay } from './underlay.ts';

interface Handle {
  readonly fd: number;
  /** Node's own note: false while the reader has paused the handle. */
  readonly reading: boolean;
  readStart(): number;
}

/**
 * Returns the error behind an end that a TLS socket reports, or undefined if the end is real. Node reports an end for
 * close_notify, and also for an end of the stream below without one, where bytes may be missing. On a bare socket a FIN
 * is accepted all the same, because much software sends no close_notify; but libuv also reports an end if a reset came
 * right after the last bytes.
 */
export function explainFalseEnd(socket: TLSSocket, under: Duplex, side: TlsSide): Error | undefined {
  if (under instanceof Underlay) return under.readableEnded ? truncatedError(side) : undefined;
  const tls = handleOf(socket);
  const bare = handleOf(under);
  // After close_notify the socket is still being read, so it cannot be started again; an end of the socket itself
  // would have stopped it. A paused reader can only have seen the end of TLS.
  const isClosedByTls = !tls?.reading || bare?.readStart() !== 0;
  if (isClosedByTls || !bare) return undefined;
  // A write of TLS itself, of session tickets, may have consumed the error already; Node does not report it.
  if (!socket.writableEnded && isDisconnected(under))
    return readReset(bare.fd) ?? resetError('the connection was reset');
  return readReset(bare.fd);
}

/** Reads the error that the system holds for the next read; undefined if the end was a FIN. */
function readReset(fd: number): Error | undefined {
  // Sockets have no descriptor on Windows.
  if (fd < 0) return undefined;
  try {
    readSync(fd, Buffer.alloc(1));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? undefined : (error as Error);
  }
}

function handleOf(stream: Duplex): Handle | null | undefined {
  return (stream as { _handle?: Handle | null })._handle;
}

function truncatedError({ peer }: TlsSide): TunlError {
  return new TunlError('tunnel_truncated', `the connection to ${peer} ended in the middle: TLS was not closed`, {
    phase: 'relay',
  });
}
