import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type Link, resetError } from '../../../core/link.ts';
import { endSession, leaveSession } from './ending.ts';
import { outliveStreams } from './handle.ts';
import { NodeAcceptedStream } from './accepted.ts';
import type { Http2Setup } from '../setup.ts';
import type { AcceptedStream } from '../streams.ts';
import { keepAlive, nodeLimits } from './limits.ts';
import { ResetBudget } from './reset-budget.ts';
import { WindowBudget } from './window-budget.ts';

/**
 * Accepts HTTP/2 on a Link and hands over each stream that the client opens. Resolves once the session is over. When
 * `draining` aborts, the peer is told to open no more streams and the open ones finish.
 */
export function acceptStreams(
  link: Link,
  options: Http2Setup,
  draining: AbortSignal,
  onStream: (stream: AcceptedStream) => void,
): Promise<void> {
  const session = performServerHandshake(link.stream, {
    ...nodeLimits,
    // Fields beyond this count end the stream; below it nothing is dropped silently.
    maxHeaderListPairs: 128,
    settings: {
      initialWindowSize: options.streamWindowBytes,
      maxConcurrentStreams: options.maxStreams,
      maxHeaderListSize: options.maxHeaderBytes,
      ...(options.maxFrameBytes !== undefined && { maxFrameSize: options.maxFrameBytes }),
      ...(options.extendedConnect && { enableConnectProtocol: true }),
    },
  });
  session.setLocalWindowSize(options.sessionWindowBytes);
  let open = 0;
  const budget = new ResetBudget();
  const windows = new WindowBudget(session, options.streamWindowBytes);
  session.on('error', () => {});
  // The types of Node do not know the fourth.
  type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: readonly string[]) => void;
  const onOpened: OnStream = (stream, headers, _, raw) => {
    onStream(new NodeAcceptedStream(stream, headers, raw, link.peer, options));
    windows.add(stream);
    open++;
    stream.once('close', () => {
      open--;
      windows.remove(stream);
      if (open === 0 && draining.aborted) endSession(session, link.stream);
      if (!stream.headersSent && budget.isSpentBy(performance.now())) calmDown(session);
    });
  };
  session.on('stream', onOpened);
  outliveStreams(session);
  keepAlive(session, options.pingMs, () => lose(session, link));
  limitBegin(session, options.beginMs, () => lose(session, link));
  return new Promise((resolve) => {
    const onDrain = () => (open === 0 ? endSession(session, link.stream) : drain(session));
    if (draining.aborted) onDrain();
    draining.addEventListener('abort', onDrain, { once: true });
    link.stream.once('end', () => (open === 0 ? leaveSession(session, link) : lose(session, link)));
    session.once('close', () => {
      draining.removeEventListener('abort', onDrain);
      resolve();
    });
  });
}

/** A session that does not begin is no session: nothing can be asked in it, and nobody has a use for it. */
function limitBegin(session: ServerHttp2Session, ms = 0, onLate: () => void): void {
  if (ms <= 0) return;
  const timer = setTimeout(onLate, ms);
  const stop = () => clearTimeout(timer);
  session.once('remoteSettings', stop).once('close', stop);
}

/** Ends the session of a peer that opens and resets without end; other sessions notice nothing. */
function calmDown(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  session.destroy();
}

/** RFC 9113, section 6.8: first say that the end is near, a round trip later which stream was the last. */
function drain(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
  session.ping(() => {
    if (!session.destroyed) session.close();
  });
}

function lose(session: ServerHttp2Session, link: Link): void {
  const error = resetError('the connection of the session was closed');
  link.reset(error);
  if (!session.destroyed) session.destroy(error);
}
