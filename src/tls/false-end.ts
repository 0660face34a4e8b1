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
  /** What Node notes about the handle: false while the reader has told it to wait. */
  readonly reading: boolean;
  readStart(): number;
}

/**
 * What is wrong with an end that a TLS socket reports, or undefined when it is one. Node reports it for
 * close_notify, and for an end of the stream below without one: there bytes may be missing. Below a bare
 * socket a FIN passes for an end all the same, because much software sends nothing else; but libuv also
 * reports an end where a reset came right behind the last bytes.
 */
export function explainFalseEnd(socket: TLSSocket, under: Duplex, side: TlsSide): Error | undefined {
  if (under instanceof Underlay) return under.readableEnded ? truncatedError(side) : undefined;
  const tls = handleOf(socket);
  const bare = handleOf(under);
  // After close_notify the socket is still being read, so that it cannot be started again; its own end
  // would have stopped that. A reader that waits has not been told of any end but that of TLS.
  const isClosedByTls = !tls?.reading || bare?.readStart() !== 0;
  if (isClosedByTls || !bare) return undefined;
  // A write of TLS itself, of session tickets, may have met the error already, and Node keeps that to itself.
  if (!socket.writableEnded && isDisconnected(under))
    return readReset(bare.fd) ?? resetError('the connection was reset');
  return readReset(bare.fd);
}

/** The error that waits in the system for whoever reads next; undefined when it was a FIN. */
function readReset(fd: number): Error | undefined {
  // Windows gives no descriptor.
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
