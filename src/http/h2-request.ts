import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { TunlError } from '../core/errors.ts';
import type { AnswerBody, Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link, Peer } from '../core/link.ts';
import { Answer, type AnswerEvents, readEndToEnd, readLength } from './answer.ts';
import { Http2Body } from './h2-body.ts';
import { toFields, toHttp2Headers, toHttp2Trailers } from './h2-fields.ts';
import { type Http2LinkOptions, http2Link } from './h2-stream.ts';
import { fieldValues } from './message.ts';
import { goneError, WatchedRequest } from './watched-request.ts';

/** One stream of a session as a request. */
export class Http2Request extends WatchedRequest implements Exchange {
  readonly version = '2';
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  readonly scheme: 'http' | 'https';
  readonly upgradeTo?: string;
  readonly contentLength: number | undefined;
  readonly isBodiless: boolean;
  readonly body: Http2Body;
  readonly #stream: ServerHttp2Stream;
  readonly #link: Link;
  #trailers: readonly HeaderField[] = [];
  #ownTrailers: OutgoingHttpHeaders = {};
  #awaitsContinue: boolean;
  /** The last byte of the answer is out, and its end. */
  #isAnswerSent = false;
  #isHandedOver = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    fields: readonly HeaderField[],
    peer: Peer,
    options: Http2LinkOptions,
  ) {
    super();
    const asked = readPseudoFields(headers);
    this.method = asked.method;
    this.target = asked.target;
    this.authority = asked.authority;
    if (asked.upgradeTo !== undefined) this.upgradeTo = asked.upgradeTo;
    this.headers =
      asked.upgradeTo === undefined ? fields : [...fields, ['connection', 'upgrade'], ['upgrade', asked.upgradeTo]];
    this.peer = peer;
    this.scheme = peer.tls ? 'https' : 'http';
    this.isBodiless = stream.endAfterHeaders || headers[':method'] === 'CONNECT';
    const [length] = fieldValues(fields, 'content-length');
    this.contentLength = this.isBodiless ? 0 : length === undefined ? undefined : Number(length);
    this.#awaitsContinue = fieldValues(fields, 'expect').some((value) => value.toLowerCase() === '100-continue');
    this.#stream = stream;
    this.#link = http2Link(
      stream,
      peer,
      options,
      () => this.answered,
      () => this.#ownTrailers,
    );
    this.body = new Http2Body(stream, this.isBodiless, {
      onWanted: () => this.#continue(),
      onBytes: (bytes) => this.life.onSent(bytes),
      onSettled: () => this.#settle(),
    });
    stream.on('trailers', (_headers: unknown, _flags: unknown, raw: readonly string[]) => {
      this.#trailers = toFields(raw);
    });
    stream.once('wantTrailers', () => this.#onAnswerSent());
    stream.once('close', () => this.#onClose());
  }

  get answered(): boolean {
    return this.life.isAnswered;
  }

  trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  inform(status: number, headers: readonly HeaderField[]): void {
    if (this.answered || !this.#isThere) return;
    if (status === 100) return this.#continue();
    this.#stream.additionalHeaders(toHttp2Headers(status, readEndToEnd(headers)));
  }

  answer(status: number, headers: readonly HeaderField[]): AnswerBody {
    const all = readEndToEnd(headers);
    const length = readLength(this.method, status, all);
    // RFC 9110, section 8.6: no length in a 204.
    const fields = status === 204 ? all.filter(([name]) => name.toLowerCase() !== 'content-length') : all;
    this.life.begin(status, fields);
    if (this.#isThere) {
      this.#stream.respond(toHttp2Headers(status, fields), { waitForTrailers: length.kind !== 'none' });
      if (length.kind === 'none') this.#onAnswerSent();
    }
    return new Http2Answer(
      this.#stream,
      length,
      {
        onBytes: (bytes) => this.life.onReceived(bytes),
        onSettled: (error) => this.#endAnswer(error),
      },
      (trailers) => (this.#ownTrailers = toHttp2Trailers(trailers)),
    );
  }

  async respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    if (!this.#isThere) return;
    const bytes = Buffer.from(body, 'utf8');
    this.answer(status, [...headers, ['Content-Length', String(bytes.length)]]).end(bytes);
    await this.done;
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    const fields = readEndToEnd(headers);
    // RFC 8441, section 5: there is no 101 in HTTP/2.
    const own = status === 101 ? 200 : status;
    this.#isHandedOver = true;
    this.life.begin(own, fields);
    // A stream that is gone already shows itself as such to whoever uses the Link.
    if (this.#isThere) this.#stream.respond(toHttp2Headers(own, fields), { waitForTrailers: true });
    this.life.end();
    return this.#link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    return this.upgrade(status, headers);
  }

  cut(error: Error): void {
    // Not CANCEL, which Node would show as a clean end.
    if (this.#isThere) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    this.#leave(error);
  }

  get #isThere(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #continue(): void {
    if (!this.#awaitsContinue || this.answered || !this.#isThere) return;
    this.#awaitsContinue = false;
    this.#stream.additionalHeaders({ ':status': constants.HTTP_STATUS_CONTINUE });
  }

  #endAnswer(error: Error | undefined): void {
    if (error) this.cut(error);
  }

  #onAnswerSent(): void {
    this.#isAnswerSent = true;
    this.#settle();
  }

  /** Once the answer is out, what may still come of an unwanted body is told to stop (RFC 9113, section 8.1). */
  #settle(): void {
    if (!this.#isAnswerSent || this.#isHandedOver) return;
    const { body } = this;
    if (this.#hasWholeBody) this.#stream.resume();
    else if (body.destroyed || !body.readableDidRead) {
      // Not in this tick: the end of the answer goes first.
      setImmediate(() => this.#isThere && this.#stream.close(constants.NGHTTP2_NO_ERROR));
    }
  }

  get #hasWholeBody(): boolean {
    return this.#stream.endAfterHeaders || this.body.readableEnded;
  }

  #onClose(): void {
    if (this.#isHandedOver) return;
    const isComplete = this.#isAnswerSent && (this.#hasWholeBody || this.#stream.rstCode === 0);
    if (isComplete) this.life.end();
    else this.#leave(goneError(this.#stream.errored));
  }

  #leave(error: Error): void {
    this.life.end(error);
    this.leaving.abort(error instanceof TunlError ? error : goneError(error));
    this.body.destroy(error);
  }
}

class Http2Answer extends Answer {
  readonly #onTrailers: (trailers: readonly HeaderField[]) => void;

  constructor(
    stream: ServerHttp2Stream,
    length: ReturnType<typeof readLength>,
    events: AnswerEvents,
    onTrailers: (trailers: readonly HeaderField[]) => void,
  ) {
    super(stream, length, events);
    this.#onTrailers = onTrailers;
  }

  protected override writePayload(parts: readonly Buffer[]): boolean {
    let hasRoom = true;
    for (const part of parts) hasRoom = this.target.write(part);
    return hasRoom;
  }

  protected override writeEnd(trailers: readonly HeaderField[]): void {
    this.#onTrailers(trailers);
    this.target.end();
  }
}

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly upgradeTo?: string;
}

/** An extended CONNECT (RFC 8441) reads as the GET with `Upgrade` that it stands for; `bytestream` is a plain tunnel. */
function readPseudoFields(headers: IncomingHttpHeaders): Asked {
  const method = String(headers[':method'] ?? '');
  const authority = headers[':authority'] ?? headers.host ?? '';
  const protocol = String(headers[':protocol'] ?? '').toLowerCase();
  const path = headers[':path'] ?? '';
  if (method !== 'CONNECT') return { method, target: path, authority };
  if (protocol === '' || protocol === 'bytestream') return { method, target: authority, authority };
  return { method: 'GET', target: path, authority, upgradeTo: protocol };
}
