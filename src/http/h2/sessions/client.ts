import { abortReason } from '../../../core/deadline.ts';
import { TunlError } from '../../../core/errors.ts';
import type { HeaderField } from '../../../core/hop.ts';
import { type Link, resetError } from '../../../core/link.ts';
import { Http2Client } from '../../../h2/client.ts';
import { type ConnectionFault, errorName } from '../../../h2/codes.ts';
import type { Http2Stream } from '../../../h2/stream.ts';
import type { Http2Setup } from '../setup.ts';
import type { RequestPseudoFields } from '../../../h2/head.ts';
import { Connection } from './connection.ts';
import { type OpenedOwner, OpenedStream } from './opened.ts';
import { assertSendable } from './sendable.ts';

/**
 * Starts HTTP/2 on a Link and waits for the peer's SETTINGS, which prove that it speaks it and say how many streams it
 * takes.
 * @throws {TunlError} http_protocol_error if the peer does not speak HTTP/2
 */
export async function openSession(link: Link, setup: Http2Setup, signal: AbortSignal): Promise<ClientSession> {
  const { stream } = link;
  if (stream.destroyed || stream.readableEnded) throw closedError(stream.errored ?? undefined);
  const session = new ClientSession(link, setup);
  await session.settled(signal);
  return session;
}

/** How a stream is opened. */
export interface OpenOptions {
  /** Ends our half with the head. */
  readonly bodiless?: true;
  /** Gives the trailers once the body is over. */
  readonly trailers?: () => readonly HeaderField[];
}

/** An HTTP/2 session that we opened as a client. */
export class ClientSession implements OpenedOwner {
  readonly #client: Http2Client;
  readonly #connection: Connection;
  readonly #link: Link;
  readonly #maxStreams: number;
  /** The fault of the peer that ended the session. */
  #fault: ConnectionFault | undefined;
  #isClosed = false;
  #onClosed: (() => void)[] = [];
  #onSettings: (() => void) | undefined;

  constructor(link: Link, setup: Http2Setup) {
    this.#link = link;
    this.#maxStreams = setup.maxStreams;
    this.#connection = new Connection(link);
    this.#client = new Http2Client(this.#connection, setup, {
      onSettings: () => this.#onSettings?.(),
      // Not at once: what ended the last stream may be on its way to the wire.
      onIdle: () => !this.usable && setImmediate(() => this.#finishIfIdle()),
      onFault: (fault) => {
        this.#fault = fault;
        this.#connection.failure ??= fault;
        this.#connection.finish();
      },
    });
    this.#connection.carry(this.#client, setup.pingMs, () => {
      this.#isClosed = true;
      for (const onClosed of this.#onClosed) onClosed();
    });
  }

  /** Streams that may be open at a time. */
  get capacity(): number {
    return Math.min(this.#maxStreams, this.#client.peer.maxStreams ?? Infinity);
  }

  /** Streams that are open. */
  get load(): number {
    return this.#client.load;
  }

  /** False once no more streams can be opened. */
  get usable(): boolean {
    return this.#client.isUsable;
  }

  /** The settings that the peer announced, for `-v`. */
  get settings(): string {
    const { maxStreams, windowBytes, maxFrameBytes } = this.#client.peer;
    return `max streams ${maxStreams ?? 'unlimited'}, window ${windowBytes}, frame ${maxFrameBytes}`;
  }

  /** True if the peer takes other protocols by CONNECT (RFC 8441). */
  get takesExtendedConnect(): boolean {
    return this.#client.peer.takesExtendedConnect;
  }

  /**
   * Opens a stream with the head of a request. Without `bodiless` our half stays open.
   * @throws {TunlError} with `unprocessed` set if the session takes no more; http_request_error for fields that HTTP/2 forbids
   */
  open(head: RequestPseudoFields, fields: readonly HeaderField[], options: OpenOptions): OpenedStream {
    assertSendable(fields);
    if (!this.usable || this.load >= this.capacity) throw this.#overError();
    const { bodiless = false, trailers } = options;
    const stream = this.#client.open(head, fields, bodiless);
    return new OpenedStream(stream, this.#link.peer, this, trailers);
  }

  /** Has the peer answer a PING over TLS, unless it has not answered the last one yet. */
  nudge(): void {
    if (this.#link.peer.tls && this.#client.unansweredPings === 0) this.#client.ping();
  }

  /** `drain` lets open streams finish. Resolves once the session is over. */
  close(mode: 'drain' | 'now'): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const closed = new Promise<void>((resolve) => this.#onClosed.push(resolve));
    this.#client.drain(true);
    if (this.load === 0) this.#connection.finish(mode === 'drain' && !this.#client.hasCut);
    else if (mode === 'now') this.#connection.lose(resetError('the HTTP/2 session was closed'));
    return closed;
  }

  /** Resolves once the SETTINGS of the peer have come. */
  settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#onSettings = undefined;
        this.#onClosed = [];
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = () =>
        settle(() => {
          const reason = abortReason(signal);
          this.#connection.lose(reason);
          reject(reason);
        });
      this.#onSettings = () => settle(resolve);
      this.#onClosed = [() => settle(() => reject(this.#notHttp2()))];
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  explainLoss(stream: Http2Stream): TunlError {
    const { closeCode: code } = stream;
    const lost = this.#client.isOver;
    const message = lost ? 'the HTTP/2 session was lost' : `the stream was reset (${errorName(code)})`;
    return new TunlError('http_response_incomplete', message, {
      side: 'hop',
      phase: 'handshake',
      unprocessed: this.#client.isUnprocessed(stream),
      unanswered: lost,
      resetCode: lost || code === 0 ? this.#client.goawayCode : code,
      cause: stream.failure ?? this.#connection.failure,
    });
  }

  #finishIfIdle(): void {
    if (this.load === 0 && !this.usable) this.#connection.finish();
  }

  #overError(): TunlError {
    const facts = { side: 'hop', phase: 'handshake', unprocessed: true, cause: this.#connection.failure } as const;
    return new TunlError('http_response_incomplete', 'the HTTP/2 session takes no more streams', facts);
  }

  #notHttp2(): TunlError {
    const { goawayCode: resetCode } = this.#client;
    const cause = this.#connection.failure;
    if (resetCode !== 0) return closedError(cause).with({ resetCode });
    if (!this.#fault) return closedError(cause);
    return new TunlError('http_protocol_error', 'does not speak HTTP/2', { side: 'hop', phase: 'handshake', cause });
  }
}

function closedError(cause: Error | undefined): TunlError {
  // With TLS 1.3 a server judges our certificate after we have taken the handshake for done.
  if (cause instanceof TunlError && cause.phase === 'tls') return cause.with({ side: 'hop' });
  const facts = { side: 'hop', phase: 'handshake', cause } as const;
  return new TunlError('http_response_incomplete', 'closed the connection before its HTTP/2 settings', facts);
}
