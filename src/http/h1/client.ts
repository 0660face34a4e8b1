import type { Duplex } from 'node:stream';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { type Link, resetError } from '../../core/link.ts';
import { BodyReader } from '../body/reader.ts';
import { pumpBody } from '../body/pump.ts';
import { type Call, type CallBody, isSuccess, maxInterim, type Reply } from '../call.ts';
import { chunkHead, lastChunk } from '../wire/chunked.ts';
import { closeStaged } from './close.ts';
import { type Framing, readFraming } from '../wire/framing.ts';
import { HeadError, readHead } from '../wire/head.ts';
import { fieldValues, formatHead, parseResponseHead, type ResponseHead } from '../wire/message.ts';
import { ReplyBody } from '../body/reply.ts';

/** Largest head of an answer that we read; Envoy's limit. */
const maxHeadBytes = 60 * 1024;

/** One HTTP/1.1 connection to an upstream, as a client: one exchange after the other. */
export class Http1Client {
  readonly capacity = 1;
  readonly #link: Link;
  readonly #name: string;
  readonly #closed: Promise<void>;
  #isBusy = false;
  #isOver = false;
  readonly #onUnasked = () => this.#end();

  /** `name` is who is on the other side, for messages. */
  constructor(link: Link, name: string) {
    this.#link = link;
    this.#name = name;
    this.#isOver = link.stream.destroyed;
    this.#closed = new Promise((resolve) => {
      if (link.stream.closed) resolve();
      link.stream.once('close', () => {
        this.#isOver = true;
        resolve();
      });
    });
  }

  get load(): number {
    return this.#isBusy ? 1 : 0;
  }

  get usable(): boolean {
    return !this.#isOver;
  }

  /**
   * Sends a request and resolves with the final answer, whose body is still to come. An answer that comes before the
   * request has been sent to its end is taken as it is.
   * @throws {TunlError} with `unanswered` set where not a byte came back
   */
  async call(call: Call, signal: AbortSignal): Promise<Reply> {
    this.#take();
    const exchange = new Http1Call(this.#link, call, () => this.#release());
    try {
      return await exchange.run(signal);
    } catch (error) {
      this.#isOver = true;
      exchange.abandon(error as Error);
      if (exchange.failure) throw exchange.failure;
      throw error instanceof HeadError ? this.#toReplyError(error) : this.#toUpstreamError(error);
    }
  }

  /** `drain` lets the exchange that runs finish, and the connection end in good order. */
  close(mode: 'drain' | 'now'): Promise<void> {
    this.#isOver = true;
    if (mode === 'now') this.#link.reset(resetError('the connection was given up'));
    else if (!this.#isBusy) this.#end();
    return this.#closed;
  }

  #take(): void {
    this.#isBusy = true;
    this.#link.stream.off('data', this.#onUnasked).off('end', this.#onUnasked).pause();
  }

  /** Keeps the connection for another exchange, and watches that the peer says nothing until then. */
  #release(): void {
    this.#isBusy = false;
    if (this.#isOver || this.#link.stream.readableLength > 0) return this.#end();
    this.#link.stream.on('data', this.#onUnasked).on('end', this.#onUnasked).resume();
  }

  #end(): void {
    if (this.#isOver && this.#link.stream.writableEnded) return;
    this.#isOver = true;
    void closeStaged(this.#link);
  }

  #toReplyError(error: HeadError): TunlError {
    const facts = { side: 'target', phase: 'relay', cause: error } as const;
    switch (error.fault) {
      case 'closed': {
        const how = error.cause ? 'reset' : 'closed';
        const unanswered = error.received.length === 0;
        const when = unanswered ? 'without an answer' : 'in the middle of its answer';
        const message = `${this.#name} ${how} the connection ${when}`;
        return new TunlError('http_response_incomplete', message, { ...facts, unanswered });
      }
      case 'not_http':
        return new TunlError('http_protocol_error', `${this.#name} does not answer in HTTP/1.1`, facts);
      case 'line_too_long':
      case 'too_large': {
        const message = `${this.#name} answered with a head above ${maxHeadBytes} bytes`;
        return new TunlError('http_response_header_section_size', message, facts);
      }
    }
  }

  /** What the readers of heads say of a hop is said of the upstream. */
  #toUpstreamError(error: unknown): unknown {
    if (!(error instanceof TunlError) || error.code !== 'http_protocol_error') return error;
    return new TunlError(error.code, `${this.#name}: ${error.message}`, { side: 'target', phase: 'relay' });
  }
}

/** One exchange on the connection. */
class Http1Call {
  readonly #link: Link;
  readonly #stream: Duplex;
  readonly #call: Call;
  readonly #onKept: () => void;
  /** Why the request could not be sent to its end, where that does not lie on the other side. */
  failure: Error | undefined;
  #stopSending = () => {};
  #isSent = false;
  #isReplyOver = false;
  #isPersistent = false;

  constructor(link: Link, call: Call, onKept: () => void) {
    this.#link = link;
    this.#stream = link.stream;
    this.#call = call;
    this.#onKept = onKept;
  }

  async run(signal: AbortSignal): Promise<Reply> {
    const { body } = this.#call;
    this.#stream.write(formatCallHead(this.#call), 'latin1');
    if (body) this.#send(body);
    else this.#isSent = true;
    return this.#toReply(await this.#readHead(signal));
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

  async #readHead(signal: AbortSignal): Promise<{ head: ResponseHead; isPersistent: boolean }> {
    for (let interim = 0; interim <= maxInterim; interim++) {
      const bytes = await readHead(this.#stream, maxHeadBytes, signal, { prefix: 'HTTP/1.', lineBytes: maxHeadBytes });
      const head = parseResponseHead(bytes);
      if (head.status >= 200 || head.status === 101) return { head, isPersistent: isPersistent(bytes, head) };
      // Expectations are met by whoever asked for the body; who sends 100 by itself tells nothing.
      if (head.status !== 100) this.#call.onInterim?.(head.status, head.headers);
    }
    throw new TunlError('http_protocol_error', 'it sends interim answers without end');
  }

  #toReply({ head, isPersistent: isKept }: { head: ResponseHead; isPersistent: boolean }): Reply {
    const { opens } = this.#call;
    const { status, headers } = head;
    const isUsual = opens?.kind === 'upgrade' ? status === 101 : isSuccess(status);
    const isOpen = opens && (opens.isAccepted?.(status) ?? isUsual);
    if (status === 101 && !isOpen) {
      throw new TunlError('http_protocol_error', 'it changes the protocol without being asked');
    }
    const framing = isOpen || isBodiless(this.#call, status) ? nothing : readFraming(headers, 'response');
    this.#isPersistent = isKept && !opens && framing.kind !== 'close';
    const reader = new BodyReader(this.#stream, framing, replyError);
    const body = new ReplyBody(reader, { onEnd: () => this.#endReply(), onCut: (error) => this.abandon(error) });
    if (reader.isOver && !isOpen) this.#endReply();
    return {
      status,
      headers,
      body,
      ...(isOpen && { link: this.#link }),
      trailers: () => reader.trailers,
      cancel: (error) => {
        if (!this.#isReplyOver || isOpen) this.abandon(error);
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

function formatCallHead({ method, target, authority, headers, body, opens }: Call): string {
  const fields: HeaderField[] = [['host', authority], ...headers];
  const hasLength = fieldValues(headers, 'content-length').length > 0;
  if (body && body.bytes === undefined) fields.push(['transfer-encoding', 'chunked']);
  else if (!body && !hasLength && !opens && !bodilessMethods.has(method)) fields.push(['content-length', '0']);
  return formatHead(`${method} ${target} HTTP/1.1`, fields);
}

function lengthError(how: 'longer' | 'shorter'): TunlError {
  const message = `the body of the request is ${how} than its length`;
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request' });
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

/** RFC 9112, section 9.3. */
function isPersistent(bytes: Buffer, { headers }: ResponseHead): boolean {
  const options = fieldValues(headers, 'connection').flatMap((value) => value.toLowerCase().split(/[\t ]*,[\t ]*/));
  if (options.includes('close')) return false;
  return !/^[\r\n]*HTTP\/1\.0/.test(bytes.toString('latin1', 0, 32)) || options.includes('keep-alive');
}

function replyError(message: string, cause: unknown): Error {
  return resetError(`the answer was cut short: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`);
}
