import type { Duplex } from 'node:stream';
import { requestError, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { type Link, resetError } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import { pumpBody } from '../body/pump.ts';
import { ReplyBody } from '../body/reply.ts';
import type { Call, CallBody, Reply } from '../call.ts';
import { chunkHead, lastChunk } from '../wire/chunked.ts';
import type { Framing } from '../wire/framing.ts';
import { fieldValues, formatHead } from '../wire/message.ts';
import { askHttp1, toOpenedReply } from './ask.ts';
import { closeStaged } from './close.ts';
import { type Http1Peer, readReplyFraming, type ReplyHead, toReplyError } from './peer.ts';

/** One HTTP/1.1 connection to an upstream, as a client: one exchange after the other. */
export class Http1Client {
  readonly capacity = 1;
  readonly #link: Link;
  readonly #peer: Http1Peer;
  #isBusy = false;
  #isOver = false;
  /** A Call has opened something: the connection is its own, and no longer ours. */
  #isHandedOver = false;
  readonly #onUnasked = () => this.#end();

  /** Hangs nothing on the connection: what a Call opens in it lives without the client. */
  constructor(link: Link, peer: Http1Peer) {
    this.#link = link;
    this.#peer = peer;
  }

  get load(): number {
    return this.#isBusy ? 1 : 0;
  }

  get usable(): boolean {
    return !this.#isOver && !this.#isHandedOver && !this.#link.stream.destroyed;
  }

  /**
   * Sends a request and resolves with the final answer, whose body is still to come. An answer that comes before the
   * request has been sent to its end is taken as it is.
   * @throws {TunlError} with `unanswered` set where not a byte came back
   */
  async call(call: Call, signal: AbortSignal): Promise<Reply> {
    this.#take();
    const exchange = new Http1Call(this.#link, this.#peer, call, () => this.#release());
    try {
      const reply = await exchange.run(signal);
      if (reply.link) this.#isHandedOver = true;
      return reply;
    } catch (error) {
      this.#isOver = true;
      exchange.abandon(error as Error);
      throw exchange.failure ?? error;
    }
  }

  /** `drain` lets the exchange that runs finish, and the connection end in good order. What a Call has opened lives on. */
  close(mode: 'drain' | 'now'): Promise<void> {
    if (this.#isHandedOver) return Promise.resolve();
    this.#isOver = true;
    if (mode === 'now') this.#link.reset(resetError('the connection was given up'));
    else if (!this.#isBusy) this.#end();
    const { stream } = this.#link;
    return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', resolve));
  }

  #take(): void {
    this.#isBusy = true;
    this.#link.stream.off('data', this.#onUnasked).off('end', this.#onUnasked).pause();
  }

  /** Keeps the connection for another exchange, and watches that the peer says nothing until then. */
  #release(): void {
    this.#isBusy = false;
    if (!this.usable || this.#link.stream.readableLength > 0) return this.#end();
    this.#link.stream.on('data', this.#onUnasked).on('end', this.#onUnasked).resume();
  }

  #end(): void {
    if (this.#isOver && this.#link.stream.writableEnded) return;
    this.#isOver = true;
    void closeStaged(this.#link);
  }
}

/** One exchange on the connection. */
class Http1Call {
  readonly #link: Link;
  readonly #stream: Duplex;
  readonly #peer: Http1Peer;
  readonly #call: Call;
  readonly #onKept: () => void;
  /** Why the request could not be sent to its end, where that does not lie on the other side. */
  failure: Error | undefined;
  #stopSending = () => {};
  #isSent = false;
  #isReplyOver = false;
  #isPersistent = false;

  constructor(link: Link, peer: Http1Peer, call: Call, onKept: () => void) {
    this.#link = link;
    this.#stream = link.stream;
    this.#peer = peer;
    this.#call = call;
    this.#onKept = onKept;
  }

  async run(signal: AbortSignal): Promise<Reply> {
    const { body } = this.#call;
    const answer = askHttp1(this.#link, this.#peer, this.#call, signal, framingFields(this.#call));
    if (body) this.#send(body);
    else this.#isSent = true;
    const head = await answer;
    return toOpenedReply(this.#link, this.#peer, this.#call, head) ?? this.#toReply(head);
  }

  abandon(error: Error): void {
    this.#stopSending();
    this.#link.reset(error);
  }

  #send(body: CallBody): void {
    const stream = this.#stream;
    let left = body.bytes ?? Infinity;
    const isChunked = body.bytes === undefined;
    const fail = (error: Error) => {
      this.failure = error;
      this.abandon(error);
    };
    this.#stopSending = pumpBody(body.source, {
      stream,
      pauses: body.pauses,
      write: (chunk) => {
        body.isTaken = true;
        left -= chunk.length;
        // Never a byte more than was announced: it would be read as the next request.
        if (left < 0) fail(lengthError('longer'));
        return left < 0 || (isChunked ? writeChunk(stream, chunk) : stream.write(chunk));
      },
      onEnd: () => {
        if (!isChunked && left > 0) return fail(lengthError('shorter'));
        if (isChunked) stream.write(formatEnd(body.trailers()), 'latin1');
        this.#isSent = true;
        this.#settle();
      },
      onError: fail,
    });
  }

  #toReply({ status, reason, headers, isPersistent = false }: ReplyHead): Reply {
    if (status === 101) {
      const error = new TunlError('http_protocol_error', 'it changes the protocol without being asked');
      throw toReplyError(error, this.#peer);
    }
    const framing = isBodiless(this.#call, status) ? nothing : readReplyFraming(headers, this.#peer);
    this.#isPersistent = isPersistent && !this.#call.opens && framing.kind !== 'close';
    const reader = new BodyReader(this.#stream, framing, replyError);
    const body = new ReplyBody(reader, { onEnd: () => this.#endReply(), onCut: (error) => this.abandon(error) });
    if (reader.isOver) this.#endReply();
    return {
      status,
      reason,
      headers,
      body,
      trailers: () => reader.trailers,
      cancel: (error) => {
        if (!this.#isReplyOver) this.abandon(error);
        body.destroy();
      },
    };
  }

  #endReply(): void {
    this.#isReplyOver = true;
    this.#settle();
  }

  #settle(): void {
    if (!this.#isReplyOver) return;
    if (this.#isSent && this.#isPersistent) return this.#onKept();
    // An answer that came early: nobody waits for the rest of the request.
    this.#stopSending();
    void closeStaged(this.#link);
  }
}

const nothing: Framing = { kind: 'length', bytes: 0 };

/** Methods whose requests have no Content-Length when they have no body; every other has one of 0, as from Envoy. */
const bodilessMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

/** The fields that say how the body of a request ends, beside those that it has already. */
function framingFields({ method, headers, body, opens }: Call): HeaderField[] {
  if (body) return body.bytes === undefined ? [['transfer-encoding', 'chunked']] : [];
  const hasLength = fieldValues(headers, 'content-length').length > 0;
  return hasLength || opens || bodilessMethods.has(method) ? [] : [['content-length', '0']];
}

function lengthError(how: 'longer' | 'shorter'): TunlError {
  return requestError(`the body of the request is ${how} than its length`);
}

function writeChunk(stream: Duplex, chunk: Buffer): boolean {
  if (chunk.length === 0) return true;
  stream.cork();
  stream.write(chunkHead(chunk.length), 'latin1');
  stream.write(chunk);
  const hasRoom = stream.write('\r\n', 'latin1');
  stream.uncork();
  return hasRoom;
}

function formatEnd(trailers: readonly HeaderField[]): string {
  return trailers.length === 0 ? lastChunk : formatHead('0', trailers);
}

/** Answers that never have a body, whatever their fields say (RFC 9112, section 6.3). */
function isBodiless({ method }: Call, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

function replyError(message: string, cause: unknown): Error {
  return resetError(`the answer was cut short: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`);
}
