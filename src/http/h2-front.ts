import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Exchange } from '../core/carrier.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { type Link, type Peer, resetError } from '../core/link.ts';
import { endSession } from './h2-ending.ts';
import { outliveStreams } from './h2-handle.ts';
import { type Http2Setup, keepAlive } from './h2-setup.ts';
import { type Http2LinkOptions, http2Link } from './h2-stream.ts';
import { ResetBudget } from './reset-budget.ts';
import { WindowBudget } from './window-budget.ts';

const maxSessionMemory = 1024;

/**
 * Serves HTTP/2 on an accepted Link: each stream is one exchange. Resolves once the session is over.
 * When `draining` aborts, the peer is told to open no more streams and the open ones finish.
 */
export function serveHttp2(
  link: Link,
  options: Http2Setup,
  draining: AbortSignal,
  onExchange: (exchange: Exchange) => void,
): Promise<void> {
  const session = performServerHandshake(link.stream, {
    maxSessionMemory,
    // Fields beyond this count end the stream; below it nothing is dropped silently.
    maxHeaderListPairs: 128,
    settings: {
      initialWindowSize: options.streamWindowBytes,
      maxConcurrentStreams: options.maxStreams,
      maxHeaderListSize: options.maxHeaderBytes,
      ...(options.maxFrameBytes !== undefined && { maxFrameSize: options.maxFrameBytes }),
    },
  });
  session.setLocalWindowSize(options.sessionWindowBytes);
  let open = 0;
  const budget = new ResetBudget();
  const windows = new WindowBudget(session, options.streamWindowBytes);
  session.on('error', () => {});
  // The types of Node do not know the fourth.
  type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: readonly string[]) => void;
  const onStream: OnStream = (stream, headers, _, raw) => {
    const exchange = new Http2Exchange(stream, headers, toFields(raw), link.peer, options);
    windows.add(stream);
    open++;
    stream.once('close', () => {
      open--;
      windows.remove(stream);
      if (open === 0 && draining.aborted) endSession(session, link.stream);
      if (!exchange.answered && budget.isSpentBy(performance.now())) calmDown(session);
    });
    // A reset in the same read cancels the exchange before anything is dialled for it.
    setImmediate(() => {
      if (!exchange.gone.aborted) onExchange(exchange);
    });
  };
  session.on('stream', onStream);
  outliveStreams(session);
  keepAlive(session, options.pingMs, () => lose(session, link));
  return new Promise((resolve) => {
    const onDrain = () => (open === 0 ? endSession(session, link.stream) : drain(session));
    if (draining.aborted) onDrain();
    draining.addEventListener('abort', onDrain, { once: true });
    link.stream.once('end', () => lose(session, link));
    session.once('close', () => {
      draining.removeEventListener('abort', onDrain);
      resolve();
    });
  });
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

class Http2Exchange implements Exchange {
  readonly version = '2';
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  answered = false;
  readonly #stream: ServerHttp2Stream;
  readonly #link: Link;
  readonly #gone = new AbortController();

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    fields: readonly HeaderField[],
    peer: Peer,
    options: Http2LinkOptions,
  ) {
    this.#stream = stream;
    this.#link = http2Link(stream, peer, options, () => this.answered);
    this.peer = peer;
    this.method = String(headers[':method'] ?? '');
    this.authority = headers[':authority'] ?? headers.host ?? '';
    this.target = this.method === 'CONNECT' ? this.authority : (headers[':path'] ?? '');
    this.headers = fields;
    stream.once('close', () => {
      if (!this.answered) this.#gone.abort(goneError());
    });
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return Promise.resolve();
    this.answered = true;
    return new Promise((resolve) => {
      stream.once('close', () => resolve());
      stream.once('finish', () => {
        // The request half may stay open for ever; NO_ERROR says that nothing is wrong with it
        // (RFC 9113, section 8.1).
        stream.close(constants.NGHTTP2_NO_ERROR);
      });
      stream.respond(toHttp2Headers(status, headers), { endStream: body === '' });
      stream.resume();
      if (body !== '') stream.end(body);
    });
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    this.answered = true;
    // A stream that is gone already shows itself as such to whoever uses the Link.
    if (!this.#stream.destroyed && !this.#stream.closed) {
      this.#stream.respond(toHttp2Headers(status, headers), { waitForTrailers: true });
    }
    return this.#link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    return this.upgrade(status, headers);
  }
}

function goneError(): TunlError {
  return new TunlError('connection_terminated', 'the client reset its stream before its tunnel was up', {
    side: 'client',
  });
}

/** The fields one by one as they came: what Node makes of them hides those that came twice. */
function toFields(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    if (!name.startsWith(':')) fields.push([name, value]);
  }
  return fields;
}

/** Fields that HTTP/2 forbids (RFC 9113, section 8.2.2) are left out. */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Fields in the form that Node's HTTP/2 takes. */
function toHttp2Headers(status: number, fields: readonly HeaderField[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ':status': status };
  for (const [field, value] of fields) {
    const name = field.toLowerCase();
    if (connectionFields.has(name)) continue;
    const known = headers[name];
    headers[name] = known === undefined ? value : [known as string | string[], value].flat();
  }
  return headers;
}
