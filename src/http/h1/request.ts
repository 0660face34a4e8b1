import { STATUS_CODES } from 'node:http';
import { requestError, TunlError } from '../../core/errors.ts';
import type { AnswerBody, Exchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link, Peer } from '../../core/link.ts';
import { describeText, readEndToEnd } from '../exchange/answer.ts';
import { bodyLink } from '../body/link.ts';
import { BodyReader } from '../body/reader.ts';
import type { Framing } from '../wire/framing.ts';
import { Http1Answer } from './answer.ts';
import type { Http1Next, NextReceiver } from './next.ts';
import { readRequestFraming } from './request-framing.ts';
import { fieldValues, listTokens, formatHead, type RequestHead } from '../wire/message.ts';
import { RequestBody } from '../body/request.ts';
import { readPlace, readPlaceAsSent, readScheme } from '../wire/request-target.ts';
import { goneError, WatchedRequest } from '../exchange/watched-request.ts';

/** Limits, in bytes and milliseconds, for reading an unwanted body so that the connection can be reused. */
const [discardBytes, discardMs] = [256 * 1024, 2000];

/** The facts that an exchange needs about its connection. */
export interface Http1RequestTerms {
  /** Whether a request that cannot be expressed in HTTP/2 too is refused. */
  readonly translatable: boolean;
}

/** One exchange of an HTTP/1.1 connection. It creates the parts that a tunnel does not need on first use. */
export class Http1Request extends WatchedRequest implements Exchange {
  readonly target: string;
  authority: string;
  readonly #link: Link;
  readonly #head: RequestHead;
  readonly #onClose = () => this.#leave(this.#link.stream.errored ?? undefined);
  #framing: Framing | undefined;
  #reader: BodyReader | undefined;
  #body: RequestBody | undefined;
  /** True once the client no longer waits for a 100. */
  #isContinued = false;
  #mustClose: boolean;
  #isAnswerOver = false;
  #discarding: NodeJS.Timeout | undefined;
  /** Present until the exchange no longer uses the connection. */
  #connection: NextReceiver | undefined;

  /** @throws {TunlError} http_request_error, if the request can be read in two ways */
  constructor(link: Link, head: RequestHead, { translatable }: Http1RequestTerms, connection: NextReceiver) {
    super();
    const { stream } = link;
    const place = translatable ? readPlace(head) : readPlaceAsSent(head);
    this.target = place.target;
    this.authority = place.authority;
    this.#link = link;
    this.#head = head;
    if (translatable) this.#framing = readRequestFraming(head);
    this.#mustClose =
      this.version === '1.0' || this.method === 'CONNECT' || listTokens(head.headers, 'connection').includes('close');
    this.#connection = connection;
    // A paused socket goes on reading up to its high-water mark, so a reset is noticed while we dial.
    stream.once('close', this.#onClose);
    if (stream.destroyed) this.#onClose();
  }

  get method(): string {
    return this.#head.method;
  }

  get version(): '1.0' | '1.1' {
    return this.#head.version;
  }

  get headers(): readonly HeaderField[] {
    return this.#head.headers;
  }

  get peer(): Peer {
    return this.#link.peer;
  }

  get asksProxy(): boolean {
    return this.method === 'CONNECT' || this.sentScheme !== undefined;
  }

  get sentScheme(): string | undefined {
    return readScheme(this.#head.target);
  }

  get upgradeTo(): string | undefined {
    const asks =
      this.version === '1.1' && listTokens(this.#head.headers, 'connection').includes('upgrade') && this.isBodiless;
    return asks ? readUpgrade(this.#head) : undefined;
  }

  get contentLength(): number | undefined {
    const framing = this.#bodyFraming;
    return framing.kind === 'length' ? framing.bytes : undefined;
  }

  get isBodiless(): boolean {
    return this.contentLength === 0;
  }

  get body(): RequestBody {
    if (this.#body) return this.#body;
    this.#body = new RequestBody(this.#bodyReader, {
      onWanted: () => this.#continue(),
      onBytes: (bytes) => this.life.onSent(bytes),
      onSettled: () => this.#settle(),
    });
    if (this.gone.aborted) this.#body.destroy(this.gone.reason as Error);
    return this.#body;
  }

  hold(): void {
    this.#connection?.onHold();
  }

  trailers(): readonly HeaderField[] {
    return this.#reader?.trailers ?? [];
  }

  inform(status: number, headers: readonly HeaderField[]): void {
    if (this.version === '1.0' || this.life.isAnswered) return;
    if (status === 100) return this.#continue();
    const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, readEndToEnd(headers));
    this.#link.stream.write(head, 'latin1');
  }

  answer(status: number, headers: readonly HeaderField[]): AnswerBody {
    // A client that waits for a 100 in vain may send its body or the next request: we cannot tell which.
    this.#mustClose ||=
      !this.#isReadable ||
      this.#connection?.isLast === true ||
      hasClose(headers) ||
      (this.#awaitsContinue && !this.isBodiless);
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
    this.answer(status, describeText(headers, bytes.length)).end(bytes);
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
    if (this.#reader?.isStarted) throw new Error('the body of the request is being read');
    const fields = readEndToEnd(headers);
    fields.push(['Transfer-Encoding', 'chunked'], ['Connection', 'close']);
    this.#continue();
    this.#handOver(status, formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, fields));
    return bodyLink(this.#link, this.#bodyFraming);
  }

  cut(error: Error): void {
    this.#link.reset(error);
    this.#leave(error);
  }

  get #bodyFraming(): Framing {
    this.#framing ??= readRequestFraming(this.#head);
    return this.#framing;
  }

  /** False if nobody can tell where the body ends, so that nothing behind the head may be read. */
  get #isReadable(): boolean {
    try {
      return this.#bodyFraming !== undefined;
    } catch {
      return false;
    }
  }

  get #bodyReader(): BodyReader {
    this.#reader ??= new BodyReader(this.#link.stream, this.#bodyFraming, bodyError);
    return this.#reader;
  }

  get #isBodyOver(): boolean {
    return this.#reader ? this.#reader.isOver || this.#reader.isBroken : this.isBodiless;
  }

  get #awaitsContinue(): boolean {
    return (
      !this.#isContinued && this.version === '1.1' && listTokens(this.#head.headers, 'expect').includes('100-continue')
    );
  }

  /** Hands the bytes of the connection over to the Link. */
  #handOver(status: number, head: string): void {
    const { stream } = this.#link;
    stream.off('close', this.#onClose);
    this.life.begin(status, []);
    stream.write(head, 'latin1');
    this.life.end();
    this.#goOn('nothing');
  }

  #goOn(next: Http1Next): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.onNext(next);
  }

  #continue(): void {
    if (this.life.isAnswered || !this.#awaitsContinue) return;
    this.#isContinued = true;
    if (!this.isBodiless) this.#link.stream.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  #endAnswer(error: Error | undefined): void {
    if (error) return this.cut(error);
    this.#isAnswerOver = true;
    this.#settle();
  }

  /** Checks whether the exchange is over; called each time that one of its two bodies may be. */
  #settle(): void {
    if (this.life.isOver) return;
    if (this.#reader?.isBroken) this.#mustClose = true;
    const isUnwanted = this.#body?.destroyed || (this.#isAnswerOver && !this.#reader?.isStarted);
    // An unwanted body is not read if the connection ends anyway.
    const isLeft = isUnwanted && this.#mustClose;
    if (isLeft) this.#reader?.pause();
    else if (isUnwanted && !this.#isBodyOver && !this.#discarding) return this.#discard();
    if (this.#isAnswerOver && (isLeft || this.#isBodyOver)) this.#finish(this.#mustClose ? 'close' : 'request');
  }

  /** Reads and drops the rest of the body, because the next request comes after it. */
  #discard(): void {
    let left = discardBytes;
    const reader = this.#bodyReader;
    const giveUp = () => {
      clearTimeout(this.#discarding);
      this.#mustClose = true;
      reader.pause();
      this.#settle();
    };
    this.#discarding = setTimeout(giveUp, discardMs);
    reader.resume({
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
    this.#goOn(next);
  }

  /** Ends the exchange because the client left or was cut off. */
  #leave(cause: Error | undefined): void {
    clearTimeout(this.#discarding);
    this.#link.stream.off('close', this.#onClose);
    const error = cause instanceof TunlError ? cause : goneError(this.life.isAnswered, cause);
    this.life.end(error);
    this.leaving.abort(error);
    this.#body?.destroy(error);
    this.#goOn('nothing');
  }
}

/** Returns the protocol to switch to, but never `h2c`, which is obsolete (RFC 9113, section 3.1). */
function readUpgrade({ headers }: RequestHead): string | undefined {
  const protocol = fieldValues(headers, 'upgrade').join(', ').toLowerCase();
  return protocol === '' || protocol === 'h2c' ? undefined : protocol;
}

function hasClose(headers: readonly HeaderField[]): boolean {
  return headers.some(([name, value]) => /^connection$/i.test(name) && /^close$/i.test(value));
}

function bodyError(fault: string, cause: unknown): TunlError {
  return requestError(`the body of the request is refused: ${fault}`, { cause });
}
