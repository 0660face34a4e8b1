import { STATUS_CODES } from 'node:http';
import { TunlError } from '../core/errors.ts';
import type { AnswerBody, Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link, Peer } from '../core/link.ts';
import { readEndToEnd } from './answer.ts';
import { bodyLink } from './body-link.ts';
import { BodyReader } from './body-reader.ts';
import { type Framing, readFraming } from './framing.ts';
import { Http1Answer } from './h1-answer.ts';
import { fieldValues, formatHead, type RequestHead } from './message.ts';
import { RequestBody } from './request-body.ts';
import { type RequestPlace, readPlace } from './request-target.ts';
import { goneError, WatchedRequest } from './watched-request.ts';

/** What follows an exchange on its connection: another one, the end, or nothing of ours any more. */
export type Http1Next = 'request' | 'close' | 'nothing';

/** How much of a body that nobody wants is read, so that the connection can go on, and for how long. */
const discardBytes = 256 * 1024;
const discardMs = 2000;

/** One exchange of an HTTP/1.1 connection that may have more of them. */
export class Http1Request extends WatchedRequest implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  readonly scheme: 'http' | 'https';
  readonly upgradeTo?: string;
  readonly contentLength: number | undefined;
  readonly isBodiless: boolean;
  readonly body: RequestBody;
  /** Resolves once nothing of it is on the connection any more. */
  readonly next: Promise<Http1Next>;
  readonly #link: Link;
  readonly #framing: Framing;
  readonly #reader: BodyReader;
  readonly #isClosing: () => boolean;
  readonly #onClose = () => this.#leave(this.#link.stream.errored ?? undefined);
  #awaitsContinue: boolean;
  #mustClose: boolean;
  #isAnswerOver = false;
  #discarding: NodeJS.Timeout | undefined;
  #resolveNext!: (next: Http1Next) => void;

  /**
   * `isClosing` tells whether the connection is to end after this exchange.
   * @throws {TunlError} http_request_error, when it can be read in two ways
   */
  constructor(link: Link, head: RequestHead, isClosing: () => boolean) {
    super();
    const { stream, peer } = link;
    const place: RequestPlace = readPlace(head);
    const connection = readTokens(head.headers, 'connection');
    this.method = head.method;
    this.target = place.target;
    this.authority = place.authority;
    this.version = head.version;
    this.headers = head.headers;
    this.peer = peer;
    this.scheme = peer.tls ? 'https' : 'http';
    this.#link = link;
    this.#framing = readBodyFraming(head);
    this.isBodiless = this.#framing.kind === 'length' && this.#framing.bytes === 0;
    this.contentLength = this.#framing.kind === 'length' ? this.#framing.bytes : undefined;
    const upgrade = this.isBodiless && head.version === '1.1' && connection.includes('upgrade') && readUpgrade(head);
    if (upgrade) this.upgradeTo = upgrade;
    this.#reader = new BodyReader(stream, this.#framing, bodyError);
    this.#awaitsContinue = head.version === '1.1' && readTokens(head.headers, 'expect').includes('100-continue');
    this.#mustClose = head.version === '1.0' || connection.includes('close') || head.method === 'CONNECT';
    this.#isClosing = isClosing;
    this.body = new RequestBody(this.#reader, {
      onWanted: () => this.#continue(),
      onBytes: (bytes) => this.life.onSent(bytes),
      onSettled: () => this.#settle(),
    });
    this.next = new Promise((resolve) => {
      this.#resolveNext = resolve;
    });
    // A paused socket goes on reading up to its high-water mark, so a reset is noticed while we dial.
    stream.once('close', this.#onClose);
    if (stream.destroyed) this.#onClose();
  }

  trailers(): readonly HeaderField[] {
    return this.#reader.trailers;
  }

  inform(status: number, headers: readonly HeaderField[]): void {
    if (this.version === '1.0' || this.life.isAnswered) return;
    if (status === 100) return this.#continue();
    const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, readEndToEnd(headers));
    this.#link.stream.write(head, 'latin1');
  }

  answer(status: number, headers: readonly HeaderField[]): AnswerBody {
    // Who waits for a 100 that never comes may send its body or the next request: nobody can tell which.
    this.#mustClose ||= this.#isClosing() || (this.#awaitsContinue && !this.isBodiless) || hasClose(headers);
    const head = { status, headers, closes: this.#mustClose, request: this };
    const answer = new Http1Answer(this.#link.stream, head, {
      onBytes: (bytes) => this.life.onReceived(bytes),
      onSettled: (error) => this.#endAnswer(error),
    });
    this.#mustClose ||= answer.endsConnection;
    this.life.begin(status, headers);
    return answer;
  }

  async respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    if (this.#link.stream.destroyed) return;
    const bytes = Buffer.from(body, 'utf8');
    const type: HeaderField[] = bytes.length > 0 ? [['Content-Type', 'text/plain; charset=utf-8']] : [];
    this.answer(status, [...headers, ['Content-Length', String(bytes.length)], ...type]).end(bytes);
    await this.done;
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    const isTunnel = this.method === 'CONNECT';
    const fields = readEndToEnd(headers);
    if (!isTunnel) fields.push(['Connection', 'Upgrade'], ['Upgrade', this.upgradeTo ?? '']);
    const line = isTunnel ? `${status} Connection established` : `101 ${STATUS_CODES[101]}`;
    this.#handOver(isTunnel ? status : 101, formatHead(`HTTP/1.1 ${line}`, fields));
    return this.#link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    if (this.#reader.isStarted) throw new Error('the body of the request is being read');
    const fields = readEndToEnd(headers);
    fields.push(['Transfer-Encoding', 'chunked'], ['Connection', 'close']);
    this.#continue();
    this.#handOver(status, formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, fields));
    return bodyLink(this.#link, this.#framing);
  }

  cut(error: Error): void {
    this.#link.reset(error);
    this.#leave(error);
  }

  /** From here on the bytes of the connection are the Link's. */
  #handOver(status: number, head: string): void {
    const { stream } = this.#link;
    stream.off('close', this.#onClose);
    this.life.begin(status, []);
    stream.write(head, 'latin1');
    this.life.end();
    this.#resolveNext('nothing');
  }

  #continue(): void {
    if (!this.#awaitsContinue || this.life.isAnswered) return;
    this.#awaitsContinue = false;
    if (!this.isBodiless) this.#link.stream.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  #endAnswer(error: Error | undefined): void {
    if (error) return this.cut(error);
    this.#isAnswerOver = true;
    this.#settle();
  }

  /** Looks whether it is over, each time that one of its two bodies may be. */
  #settle(): void {
    const { isOver, isBroken, isStarted } = this.#reader;
    if (isBroken) this.#mustClose = true;
    const isUnwanted = this.body.destroyed || (this.#isAnswerOver && !isStarted);
    if (!isOver && !isBroken && isUnwanted && !this.#discarding) {
      if (this.#mustClose) this.#reader.pause();
      else return this.#discard();
    }
    const isBodyOver = isOver || isBroken || (isUnwanted && this.#mustClose);
    if (isBodyOver && this.#isAnswerOver) this.#finish(this.#mustClose ? 'close' : 'request');
  }

  /** Reads on without keeping anything: behind the body is the next request. */
  #discard(): void {
    let left = discardBytes;
    const giveUp = () => {
      clearTimeout(this.#discarding);
      this.#mustClose = true;
      this.#reader.pause();
      this.#settle();
    };
    this.#discarding = setTimeout(giveUp, discardMs);
    this.#reader.resume({
      onPart: (part) => {
        left -= part.length;
        if (left < 0) giveUp();
        return left >= 0;
      },
      onEnd: () => this.#settle(),
      onError: () => this.#settle(),
    });
  }

  #finish(next: Http1Next): void {
    clearTimeout(this.#discarding);
    this.#link.stream.off('close', this.#onClose);
    this.life.end();
    this.#resolveNext(next);
  }

  /** The client is gone, or given up. */
  #leave(cause: Error | undefined): void {
    clearTimeout(this.#discarding);
    this.#link.stream.off('close', this.#onClose);
    const error = cause instanceof TunlError ? cause : goneError(cause);
    this.life.end(error);
    this.leaving.abort(error);
    this.body.destroy(error);
    this.#resolveNext('nothing');
  }
}

/** CONNECT has no content: bytes that something on the way took for a body must never reach a target. */
function readBodyFraming({ method, version, headers }: RequestHead): Framing {
  const framing = readFraming(headers, 'request');
  const isEmpty = framing.kind === 'length' && framing.bytes === 0;
  if (method === 'CONNECT' && !isEmpty) throw requestError('CONNECT must not have content');
  // RFC 9112, section 6.1: somebody on the way may not have known what it was.
  if (version === '1.0' && framing.kind === 'chunked') throw requestError('HTTP/1.0 knows no chunks');
  return framing;
}

/** The protocol to switch to; HTTP/2 is not spoken that way (RFC 9113, section 3.1). */
function readUpgrade({ headers }: RequestHead): string | undefined {
  const protocol = fieldValues(headers, 'upgrade').join(', ').toLowerCase();
  return protocol === '' || protocol === 'h2c' ? undefined : protocol;
}

function hasClose(headers: readonly HeaderField[]): boolean {
  return headers.some(([name, value]) => /^connection$/i.test(name) && /^close$/i.test(value));
}

function readTokens(headers: readonly HeaderField[], name: string): string[] {
  return fieldValues(headers, name).flatMap((value) => value.split(',').map((token) => token.trim().toLowerCase()));
}

function requestError(message: string): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request' });
}

function bodyError(fault: string, cause: unknown): TunlError {
  const facts = { side: 'client', phase: 'request', ...(cause ? { cause } : {}) } as const;
  return new TunlError('http_request_error', `the body of the request is refused: ${fault}`, facts);
}
