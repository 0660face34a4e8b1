import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { abortReason } from '../../../core/deadline.ts';
import { TunlError } from '../../../core/errors.ts';
import type { HeaderField } from '../../../core/hop.ts';
import { type Link, resetError } from '../../../core/link.ts';
import { endSession, leaveSession } from './ending.ts';
import { outliveStreams } from './handle.ts';
import type { Http2Setup } from '../setup.ts';
import type { RequestPseudoFields } from '../../../h2/head.ts';
import type { ClientSession, OpenedStream, OpenOptions } from '../streams.ts';
import { keepAlive, nodeLimits } from './limits.ts';
import { errorName } from '../../../h2/codes.ts';
import { addFields, toHttp2Trailers } from './fields.ts';
import { http2Link } from './link.ts';
import { NodeOpenedStream, type OpenedOwner } from './opened.ts';
import { WindowBudget } from './window-budget.ts';

/** A peer's Node or nghttp2 ends the session after about 1,000 resets: be gone well before. */
const maxOwnResets = 500;

/** Codes of Node for a session that takes no more requests: nothing of the request has gone out. */
const sessionOver: ReadonlySet<string> = new Set([
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_OUT_OF_STREAMS',
]);

/**
 * Starts HTTP/2 on a Link and waits for the peer's SETTINGS, which prove that it speaks it and say how many streams it
 * takes.
 * @throws {TunlError} http_protocol_error if the peer does not speak HTTP/2
 */
export function openSession(link: Link, setup: Http2Setup, signal: AbortSignal): Promise<ClientSession> {
  return NodeClientSession.open(link, setup, signal);
}

/** One HTTP/2 connection to a hop, as a client. */
class NodeClientSession implements ClientSession, OpenedOwner {
  readonly #session: ClientHttp2Session;
  readonly #link: Link;
  readonly #options: Http2Setup;
  readonly #windows: WindowBudget;
  #load = 0;
  #ownResets = 0;
  #draining = false;
  /** The last stream that the peer may have acted upon, once it has said so (RFC 9113, section 6.8). */
  #lastTaken = Infinity;
  #failure: Error | undefined;
  /** The code of the peer's GOAWAY. */
  #goawayCode = 0;

  private constructor(session: ClientHttp2Session, link: Link, options: Http2Setup) {
    this.#session = session;
    this.#link = link;
    this.#options = options;
    this.#windows = new WindowBudget(session, options.streamWindowBytes);
    session.on('goaway', (code, last) => this.#onGoaway(code, last));
    session.on('error', (error) => {
      this.#failure = error;
    });
    // With half-open sockets Node leaves a session whose connection has ended as it is.
    link.stream.once('end', () => this.#onConnectionEnd(resetError('the connection of the session was closed')));
    const { pingMs } = options;
    outliveStreams(session);
    keepAlive(session, pingMs, () => this.#lose(resetError(`no answer to PING within ${(2 * pingMs) / 1000}s`)));
  }

  static async open(link: Link, options: Http2Setup, signal: AbortSignal): Promise<NodeClientSession> {
    // Node would not notice an end that came before its session existed.
    if (link.stream.destroyed || link.stream.readableEnded) throw closedError(link.stream.errored ?? undefined);
    const session = connect('http://hop', {
      createConnection: () => link.stream,
      ...nodeLimits,
      peerMaxConcurrentStreams: options.maxStreams,
      ...(options.maxFields !== undefined && { maxHeaderListPairs: options.maxFields }),
      settings: {
        enablePush: false,
        initialWindowSize: options.streamWindowBytes,
        maxHeaderListSize: options.maxHeaderBytes,
        ...(options.maxFrameBytes !== undefined && { maxFrameSize: options.maxFrameBytes }),
      },
    });
    const client = new NodeClientSession(session, link, options);
    session.once('connect', () => session.setLocalWindowSize(options.sessionWindowBytes));
    await client.#settled(signal);
    return client;
  }

  get capacity(): number {
    return Math.min(this.#options.maxStreams, this.#session.remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  get load(): number {
    return this.#load;
  }

  get usable(): boolean {
    return !this.#draining && !this.#session.closed && !this.#session.destroyed && this.#ownResets < maxOwnResets;
  }

  get settings(): string {
    const { maxConcurrentStreams, initialWindowSize, maxFrameSize } = this.#session.remoteSettings;
    return `max streams ${maxConcurrentStreams ?? 'unlimited'}, window ${initialWindowSize}, frame ${maxFrameSize}`;
  }

  get takesExtendedConnect(): boolean {
    return this.#session.remoteSettings.enableConnectProtocol === true;
  }

  open(head: RequestPseudoFields, fields: readonly HeaderField[], options: OpenOptions): OpenedStream {
    const { bodiless: endStream = false, trailers, isAnswered } = options;
    const stream = this.#startStream(toRequestHeaders(head, fields), { endStream, waitForTrailers: !endStream });
    this.#load++;
    this.#windows.add(stream);
    stream.once('close', () => this.#onStreamClosed(stream));
    const ownTrailers = trailers && (() => toHttp2Trailers(trailers()));
    return new NodeOpenedStream(
      stream,
      http2Link(stream, this.#link.peer, this.#options, isAnswered, ownTrailers),
      this,
    );
  }

  countReset(stream: ClientHttp2Stream): void {
    if (!stream.closed && !stream.destroyed) this.#ownResets++;
  }

  close(mode: 'drain' | 'now'): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      if (this.#session.destroyed) return resolve();
      this.#session.once('close', resolve);
      if (mode === 'now') this.#session.destroy();
      else endSession(this.#session, this.#link.stream);
    });
  }

  #settled(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        session.off('remoteSettings', onSettings).off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onSettings = () => settle(resolve);
      const onClose = () => settle(() => reject(this.#notHttp2()));
      const onAbort = () =>
        settle(() => {
          session.destroy();
          reject(abortReason(signal));
        });
      session.once('remoteSettings', onSettings).once('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #notHttp2(): TunlError {
    const { code } = (this.#failure ?? {}) as NodeJS.ErrnoException;
    const resetCode = this.#goawayCode;
    if (resetCode !== 0) return closedError(this.#failure).with({ resetCode });
    if (code !== 'ERR_HTTP2_ERROR' && code !== 'ERR_HTTP2_SESSION_ERROR') return closedError(this.#failure);
    const facts = { side: 'hop', phase: 'handshake', cause: this.#failure } as const;
    return new TunlError('http_protocol_error', 'does not speak HTTP/2', facts);
  }

  #startStream(headers: OutgoingHttpHeaders, options: ClientSessionRequestOptions): ClientHttp2Stream {
    try {
      return this.#session.request(headers, options);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // Fields that are there twice and must not be: their readers could take either.
      if (code.startsWith('ERR_HTTP2_HEADER') || code.startsWith('ERR_HTTP2_INVALID_HEADER')) throw fieldsError(error);
      if (!sessionOver.has(code)) throw error;
      const facts = { side: 'hop', phase: 'handshake', unprocessed: true, cause: this.#failure ?? error } as const;
      throw new TunlError('http_response_incomplete', 'the HTTP/2 session takes no more streams', facts);
    }
  }

  explainLoss(stream: ClientHttp2Stream): TunlError {
    const code = stream.rstCode ?? 0;
    const lost = this.#session.destroyed;
    const message = lost ? 'the HTTP/2 session was lost' : `the stream was reset (${errorName(code)})`;
    // RFC 9113, section 8.7 knows these two proofs, and a stream without a number was never sent.
    const isLeftOut = stream.id === undefined || stream.id > this.#lastTaken;
    return new TunlError('http_response_incomplete', message, {
      side: 'hop',
      phase: 'handshake',
      unprocessed: isLeftOut || code === constants.NGHTTP2_REFUSED_STREAM,
      unanswered: lost,
      resetCode: code === 0 ? this.#goawayCode : code,
      cause: stream.errored ?? this.#failure,
    });
  }

  #onStreamClosed(stream: ClientHttp2Stream): void {
    this.#load--;
    this.#windows.remove(stream);
    if (this.#load === 0 && !this.usable) void this.close('drain');
  }

  #onGoaway(code: number, last: number): void {
    this.#draining = true;
    this.#lastTaken = last;
    this.#goawayCode = code;
    this.#failure ??= new Error(`GOAWAY ${errorName(code)}`);
    if (this.#load === 0) endSession(this.#session, this.#link.stream);
  }

  #onConnectionEnd(error: Error): void {
    if (this.#load > 0) return this.#lose(error);
    this.#failure ??= error;
    leaveSession(this.#session, this.#link);
  }

  #lose(error: Error): void {
    this.#failure ??= error;
    // The Link first: a session that still has a connection waits for its last bytes to go out.
    this.#link.reset(error);
    if (!this.#session.destroyed) this.#session.destroy(error);
  }
}

function closedError(cause: Error | undefined): TunlError {
  // With TLS 1.3 a server judges our certificate after we have taken the handshake for done.
  if (cause instanceof TunlError && cause.phase === 'tls') return cause.with({ side: 'hop' });
  const facts = { side: 'hop', phase: 'handshake', cause } as const;
  return new TunlError('http_response_incomplete', 'closed the connection before its HTTP/2 settings', facts);
}

function fieldsError(cause: unknown): TunlError {
  const facts = { side: 'client', phase: 'request', cause } as const;
  return new TunlError('http_request_error', 'the request has fields that HTTP/2 does not take', facts);
}

function toRequestHeaders(head: RequestPseudoFields, fields: readonly HeaderField[]): OutgoingHttpHeaders {
  const { method, authority, scheme, path, protocol } = head;
  const pseudo = {
    ':method': method,
    ...(protocol !== undefined && { ':protocol': protocol }),
    ...(scheme !== undefined && { ':scheme': scheme }),
    ':authority': authority,
    ...(path !== undefined && { ':path': path }),
  };
  return addFields(pseudo, fields);
}
