import type { Http2Session } from 'node:http2';
import type { Duplex } from 'node:stream';

/**
 * Ends a session in good order: at once where it has no streams, else after the last. Node stops
 * reading a session that has said or heard GOAWAY and has no streams; the end of the peer would not be
 * noticed, and the connection would stay open.
 */
export function endSession(session: Http2Session, stream: Duplex): void {
  if (!session.destroyed) session.close();
  setImmediate(() => keepReading(stream));
}

function keepReading(stream: Duplex): void {
  if (stream.destroyed) return;
  stream.resume();
  // What Node stopped is the system's handle; the stream above does not know of it.
  (stream as { _handle?: { readStart?(): number } | null })._handle?.readStart?.();
}
