import { TunlError } from '../../core/errors.ts';
import type { AnswerBody, Exchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link, Peer } from '../../core/link.ts';
import { Answer, type AnswerEvents, readEndToEnd, readLength } from '../exchange/answer.ts';
import { Http2Body } from './body.ts';
import { errorCodes } from '../../h2/codes.ts';
import type { RequestPseudoFields } from '../../h2/head.ts';
import type { AcceptedEvents, AcceptedStream } from './sessions/accepted.ts';
import { fieldValues } from '../wire/message.ts';
import { goneError, WatchedRequest } from '../exchange/watched-request.ts';

/** How long an answer that nobody watches may wait for the client to take it, as on a connection of HTTP/1.1. */
const untakenMs = 2000;

/** How long the rest of an unwanted body may take to come, for clients that take any reset for a loss of the answer. */
const unwantedMs = 250;

/** One stream of a session as a request. What a tunnel does not need of it is made when it is first asked for, and let go with it. */
export class Http2Request extends WatchedRequest implements Exchange, AcceptedEvents {
  readonly version = '2';
  readonly method: string;
  readonly target: string;
  authority: string;
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  readonly upgradeTo: string | undefined;
  readonly isBodiless: boolean;
  readonly #accepted: AcceptedStream;
  #body: Http2Body | undefined;
  #trailers: readonly HeaderField[] = [];
  #isContinued = false;
  /** The last byte of the answer is out, and its end. */
  #isAnswerSent = false;
  /** Runs once the client has its answer and nobody reads the body: however the body ends, the request is complete. */
  #stopping: NodeJS.Timeout | undefined;

  constructor(accepted: AcceptedStream, peer: Peer) {
    super();
    const { head, fields } = accepted;
    const { method, target, authority, upgradeTo } = readTarget(head);
    this.method = method;
    this.target = target;
    this.authority = authority;
    this.upgradeTo = upgradeTo;
    this.headers = upgradeTo === undefined ? fields : [...fields, ['connection', 'upgrade'], ['upgrade', upgradeTo]];
    this.peer = peer;
    this.isBodiless = accepted.isBodiless || head.method === 'CONNECT';
    this.#accepted = accepted;
    accepted.listen(this);
  }

  get sentScheme(): string | undefined {
    return this.#accepted.head.scheme?.toLowerCase();
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
    this.#body = new Http2Body(this.#accepted.stream, this.isBodiless, {
      onWanted: () => this.#continue(),
      onBytes: (bytes) => this.life.onSent(bytes),
      onSettled: () => this.#settle(),
    });
    if (this.gone.aborted) this.#body.destroy(this.gone.reason as Error);
    return this.#body;
  }

  /** A session takes no further streams once it is told to end. */
  hold(): void {}

  trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  inform(status: number, headers: readonly HeaderField[]): void {
    if (this.life.isAnswered || !this.#accepted.isOpen) return;
    if (status === 100) return this.#continue();
    this.#accepted.inform(status, readEndToEnd(headers));
  }

  answer(status: number, headers: readonly HeaderField[]): AnswerBody {
    const all = readEndToEnd(headers);
    const length = readLength(this.method, status, all);
    // RFC 9110, section 8.6: no length in a 204.
    const fields = status === 204 ? all.filter(([name]) => name.toLowerCase() !== 'content-length') : all;
    this.life.begin(status, fields);
    if (this.#accepted.isOpen) {
      this.#accepted.respond(status, fields, length.kind === 'none');
      if (length.kind === 'none') this.onAnswerSent();
    }
    return new Http2Answer(this.#accepted, length, {
      onBytes: (bytes) => this.life.onReceived(bytes),
      onSettled: (error) => this.#endAnswer(error),
    });
  }

  async respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    if (!this.#accepted.isOpen) return;
    if (!this.life.isWatched) this.#limitUntaken();
    if (body === '') {
      const fields = readEndToEnd(headers);
      this.life.begin(status, fields);
      this.#accepted.respond(status, fields, true);
      this.onAnswerSent();
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
    this.#accepted.release();
    this.life.begin(own, fields);
    // A stream that is gone already shows itself as such to whoever uses the Link.
    if (this.#accepted.isOpen) this.#accepted.respond(own, fields, false);
    this.life.end();
    return this.#accepted.link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    return this.upgrade(status, headers);
  }

  cut(error: Error): void {
    // Not CANCEL, which clients may take for a clean end.
    if (this.#accepted.isOpen) this.#accepted.reset(errorCodes.internalError);
    this.#leave(error);
  }

  onTrailers(fields: readonly HeaderField[]): void {
    this.#trailers = fields;
  }

  onClose(): void {
    clearTimeout(this.#stopping);
    const { closeCode, stream } = this.#accepted;
    const isComplete = this.#isAnswerSent && (this.#hasWholeBody || this.#stopping !== undefined || closeCode === 0);
    if (isComplete) this.life.end();
    else this.#leave(goneError(this.life.isAnswered, stream.errored));
  }

  onAnswerSent(): void {
    this.#isAnswerSent = true;
    this.#settle();
  }

  /** A client that has no room for the answer does not want it. */
  #limitUntaken(): void {
    const onIdle = () => this.#accepted.reset(errorCodes.cancel);
    this.watch({ idleMs: untakenMs, onIdle, onAnswer: () => {} });
  }

  #continue(): void {
    if (this.life.isAnswered || !this.#accepted.isOpen || !this.#awaitsContinue) return;
    this.#isContinued = true;
    this.#accepted.inform(100, []);
  }

  #endAnswer(error: Error | undefined): void {
    if (error) this.cut(error);
  }

  /** Once the answer is out, an unwanted body that does not end is told to stop (RFC 9113, section 8.1). */
  #settle(): void {
    if (!this.#isAnswerSent) return;
    const body = this.#body;
    if (this.#hasWholeBody) this.#accepted.stream.resume();
    else if (!body?.readableDidRead || body.destroyed) {
      this.#accepted.stream.resume();
      this.#stopping ??= setTimeout(() => this.#stop(), unwantedMs).unref();
    }
  }

  #stop(): void {
    if (this.#accepted.isOpen) this.#accepted.reset(errorCodes.noError);
  }

  get #awaitsContinue(): boolean {
    const expected = fieldValues(this.headers, 'expect');
    return !this.#isContinued && expected.some((value) => value.toLowerCase() === '100-continue');
  }

  get #hasWholeBody(): boolean {
    return this.#accepted.isBodiless || (this.#body?.readableEnded ?? false);
  }

  #leave(error: Error): void {
    this.life.end(error);
    this.leaving.abort(error instanceof TunlError ? error : goneError(this.life.isAnswered, error));
    this.#body?.destroy(error);
  }
}

class Http2Answer extends Answer {
  readonly #accepted: AcceptedStream;

  constructor(accepted: AcceptedStream, length: ReturnType<typeof readLength>, events: AnswerEvents) {
    super(accepted.stream, length, events);
    this.#accepted = accepted;
  }

  protected override writePayload(parts: readonly Buffer[]): boolean {
    let hasRoom = true;
    for (const part of parts) hasRoom = this.target.write(part);
    return hasRoom;
  }

  protected override writeEnd(trailers: readonly HeaderField[]): void {
    this.#accepted.setTrailers(trailers);
    this.target.end();
  }
}

interface RequestTarget {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly upgradeTo: string | undefined;
}

/** An extended CONNECT (RFC 8441) reads as the GET with `Upgrade` that it stands for; `bytestream` is a plain tunnel. */
function readTarget({ method, authority, path = '', protocol = '' }: RequestPseudoFields): RequestTarget {
  if (method !== 'CONNECT') return { method, target: path, authority, upgradeTo: undefined };
  const upgradeTo = protocol.toLowerCase();
  if (upgradeTo === '' || upgradeTo === 'bytestream') {
    return { method, target: authority, authority, upgradeTo: undefined };
  }
  return { method: 'GET', target: path, authority, upgradeTo };
}
