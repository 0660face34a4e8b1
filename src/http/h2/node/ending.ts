import type { Http2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Link, resetError } from '../../../core/link.ts';

/** How long a peer that has ended the connection may take to read what is left for it. */
const lingerMs = 1000;

/**
 * Ends a session in good order: at once where it has no streams, else after the last. Node stops
 * reading a session that has said or heard GOAWAY and has no streams; the end of the peer would not be
 * noticed, and the connection would stay open.
 */
export function endSession(session: Http2Session, stream: Duplex): void {
  if (!session.destroyed) session.close();
  setImmediate(() => keepReading(stream));
}

/** Ends a session without streams whose peer has ended the connection: in good order, where it takes our end in time. */
export function leaveSession(session: Http2Session, link: Link): void {
  const { stream } = link;
  const timer = setTimeout(() => link.reset(resetError('the peer of the session did not read its end')), lingerMs);
  stream.once('close', () => clearTimeout(timer));
  session.destroy();
}

function keepReading(stream: Duplex): void {
  if (stream.destroyed) return;
  stream.resume();
  // Node stopped the system's handle, and the stream above it still counts as flowing.
  (stream as { _handle?: { readStart?(): number } | null })._handle?.readStart?.();
}
