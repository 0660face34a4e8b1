import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { TunlError } from '../../core/errors.ts';
import type { AnswerBody, Exchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link, Peer } from '../../core/link.ts';
import { Answer, type AnswerEvents, readEndToEnd, readLength } from '../exchange/answer.ts';
import { Http2Body } from './body.ts';
import { toFields, toHttp2Headers, toHttp2Trailers } from './fields.ts';
import { type Http2LinkOptions, http2Link } from './stream.ts';
import { fieldValues } from '../wire/message.ts';
import { goneError, WatchedRequest } from '../exchange/watched-request.ts';

/** How long an answer that nobody watches may wait for the client to take it, as on a connection of HTTP/1.1. */
const untakenMs = 2000;

/** One stream of a session as a request. What a tunnel does not need of it is made when it is first asked for, and let go with it. */
export class Http2Request extends WatchedRequest implements Exchange {
  readonly version = '2';
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  readonly upgradeTo: string | undefined;
  readonly isBodiless: boolean;
  readonly #stream: ServerHttp2Stream;
  readonly #link: Link;
  readonly #onTrailers = (_headers: unknown, _flags: unknown, raw: readonly string[]): void => {
    this.#trailers = toFields(raw);
  };
  readonly #onAnswerSent = (): void => {
    this.#isAnswerSent = true;
    this.#settle();
  };
  readonly #onClose = (): void => {
    const isComplete = this.#isAnswerSent && (this.#hasWholeBody || this.#stream.rstCode === 0);
    if (isComplete) this.life.end();
    else this.#leave(goneError(this.life.isAnswered, this.#stream.errored));
  };
  #body: Http2Body | undefined;
  #trailers: readonly HeaderField[] = [];
  readonly #own: OwnTrailers = { fields: {} };
  #isContinued = false;
  /** The last byte of the answer is out, and its end. */
  #isAnswerSent = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    fields: readonly HeaderField[],
    peer: Peer,
    options: Http2LinkOptions,
  ) {
    super();
    const { method, target, authority, upgradeTo } = readPseudoFields(headers);
    this.method = method;
    this.target = target;
    this.authority = authority;
    this.upgradeTo = upgradeTo;
    this.headers = upgradeTo === undefined ? fields : [...fields, ['connection', 'upgrade'], ['upgrade', upgradeTo]];
    this.peer = peer;
    this.isBodiless = stream.endAfterHeaders || headers[':method'] === 'CONNECT';
    this.#stream = stream;
    this.#link = openLink(stream, peer, options, this.#own);
    if (!this.isBodiless) stream.on('trailers', this.#onTrailers);
    stream.once('wantTrailers', this.#onAnswerSent);
    stream.once('close', this.#onClose);
  }

  get scheme(): 'http' | 'https' {
    return this.peer.tls ? 'https' : 'http';
  }

  get asksProxy(): boolean {
    return this.method === 'CONNECT';
  }

  get contentLength(): number | undefined {
    if (this.isBodiless) return 0;
    const [length] = fieldValues(this.headers, 'content-length');
    return length === undefined ? undefined : Number(length);
  }

  get body(): Http2Body {
    if (this.#body) return this.#body;
    this.#body = new Http2Body(this.#stream, this.isBodiless, {
      onWanted: () => this.#continue(),
      onBytes: (bytes) => this.life.onSent(bytes),
      onSettled: () => this.#settle(),
    });
    if (this.gone.aborted) this.#body.destroy(this.gone.reason as Error);
    return this.#body;
  }

  trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  inform(status: number, headers: readonly HeaderField[]): void {
    if (this.life.isAnswered || !this.#isThere) return;
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
      (trailers) => (this.#own.fields = toHttp2Trailers(trailers)),
    );
  }

  async respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    if (!this.#isThere) return;
    if (!this.life.isWatched) this.#limitUntaken();
    if (body === '') {
      const fields = readEndToEnd(headers);
      this.life.begin(status, fields);
      this.#stream.respond(toHttp2Headers(status, fields), { endStream: true });
      this.#onAnswerSent();
    } else {
      const bytes = Buffer.from(body, 'utf8');
      this.answer(status, [...headers, ['Content-Length', String(bytes.length)]]).end(bytes);
    }
    await this.done;
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    const fields = readEndToEnd(headers);
    // RFC 8441, section 5: there is no 101 in HTTP/2.
    const own = status === 101 ? 200 : status;
    const stream = this.#stream;
    stream.off('trailers', this.#onTrailers).off('wantTrailers', this.#onAnswerSent).off('close', this.#onClose);
    this.life.begin(own, fields);
    // A stream that is gone already shows itself as such to whoever uses the Link.
    if (this.#isThere) stream.respond(toHttp2Headers(own, fields), { waitForTrailers: true });
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

  /** A client that has no room for the answer does not want it. */
  #limitUntaken(): void {
    const onIdle = () => this.#stream.close(constants.NGHTTP2_CANCEL);
    this.watch({ idleMs: untakenMs, onIdle, onAnswer: () => {} });
  }

  get #isThere(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #continue(): void {
    if (this.life.isAnswered || !this.#isThere || !this.#awaitsContinue) return;
    this.#isContinued = true;
    this.#stream.additionalHeaders({ ':status': constants.HTTP_STATUS_CONTINUE });
  }

  #endAnswer(error: Error | undefined): void {
    if (error) this.cut(error);
  }

  /** Once the answer is out, what may still come of an unwanted body is told to stop (RFC 9113, section 8.1). */
  #settle(): void {
    if (!this.#isAnswerSent) return;
    const body = this.#body;
    if (this.#hasWholeBody) this.#stream.resume();
    else if (!body?.readableDidRead || body.destroyed) {
      // Not in this tick: the end of the answer goes first.
      setImmediate(() => this.#isThere && this.#stream.close(constants.NGHTTP2_NO_ERROR));
    }
  }

  get #awaitsContinue(): boolean {
    const expected = fieldValues(this.headers, 'expect');
    return !this.#isContinued && expected.some((value) => value.toLowerCase() === '100-continue');
  }

  get #hasWholeBody(): boolean {
    return this.#stream.endAfterHeaders || (this.#body?.readableEnded ?? false);
  }

  #leave(error: Error): void {
    this.life.end(error);
    this.leaving.abort(error instanceof TunlError ? error : goneError(this.life.isAnswered, error));
    this.#body?.destroy(error);
  }
}

/** What goes behind an answer. */
interface OwnTrailers {
  fields: OutgoingHttpHeaders;
}

/** Makes a Link that knows of its request no more than the trailers: a tunnel must not keep the request. */
function openLink(stream: ServerHttp2Stream, peer: Peer, options: Http2LinkOptions, own: OwnTrailers): Link {
  return http2Link(
    stream,
    peer,
    options,
    () => stream.headersSent,
    () => own.fields,
  );
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
  readonly upgradeTo: string | undefined;
}

/** An extended CONNECT (RFC 8441) reads as the GET with `Upgrade` that it stands for; `bytestream` is a plain tunnel. */
function readPseudoFields(headers: IncomingHttpHeaders): Asked {
  const method = String(headers[':method'] ?? '');
  const authority = headers[':authority'] ?? headers.host ?? '';
  const protocol = String(headers[':protocol'] ?? '').toLowerCase();
  const path = headers[':path'] ?? '';
  if (method !== 'CONNECT') return { method, target: path, authority, upgradeTo: undefined };
  if (protocol === '' || protocol === 'bytestream')
    return { method, target: authority, authority, upgradeTo: undefined };
  return { method: 'GET', target: path, authority, upgradeTo: protocol };
}
