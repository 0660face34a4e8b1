import type { Link } from '../../../core/link.ts';
import { resetError } from '../../../core/link.ts';
import { Http2Server } from '../../../h2/server.ts';
import type { Http2Setup } from '../setup.ts';
import { AcceptedStream } from './accepted.ts';
import { Connection } from './connection.ts';

/**
 * Accepts HTTP/2 on a Link and hands over each stream that the client opens. Resolves once the session is over. When
 * `draining` aborts, the peer is told to open no more streams and the open ones finish.
 */
export function acceptStreams(
  link: Link,
  setup: Http2Setup,
  draining: AbortSignal,
  onStream: (stream: AcceptedStream) => void,
): Promise<void> {
  const connection = new Connection(link);
  // A session that does not begin is no session: nothing can be asked in it, and nobody has a use for it.
  const { beginMs = 0 } = setup;
  const onLate = () => connection.lose(resetError('the client did not begin its session in time'));
  const beginning = beginMs > 0 ? setTimeout(onLate, beginMs) : undefined;
  const finishIfIdle = () => {
    if (server.load > 0 || server.isOver) return;
    server.sayLast();
    connection.finish();
  };
  const server: Http2Server = new Http2Server(connection, setup, {
    onSettings: () => clearTimeout(beginning),
    // Not at once: what ended the last stream may be on its way to the wire.
    onIdle: () => draining.aborted && setImmediate(finishIfIdle),
    onFault: (fault) => {
      connection.failure ??= fault;
      connection.finish();
    },
    onStream: (stream, head, fields, isEnd) => {
      onStream(new AcceptedStream(server, stream, head, fields, isEnd, link.peer));
    },
  });
  const onDrain = () => (server.load === 0 ? finishIfIdle() : server.drain());
  return new Promise((resolve) => {
    connection.carry(server, setup.pingMs, () => {
      clearTimeout(beginning);
      draining.removeEventListener('abort', onDrain);
      resolve();
    });
    if (draining.aborted) onDrain();
    else draining.addEventListener('abort', onDrain, { once: true });
  });
}
