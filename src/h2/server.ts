import type { HeaderField } from '../core/hop.ts';
import { ConnectionFault, errorCodes, firstWindowBytes, mostBytes, preface } from './codes.ts';
import { HeadReader, readRequest, readTrailers, type RequestHead, type RequestPseudoFields, toFields } from './head.ts';
import type { HeaderBlock } from './header-block.ts';
import type { Wire } from './scheduler.ts';
import { Http2Session } from './session.ts';
import type { SessionEvents, SessionSetup } from './session-base.ts';
import { type Setting, settingIds } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** The PING whose answer says that the peer has read our first GOAWAY. */
const drainPayload = Buffer.from('draining');

/** What a server tells besides. */
export interface ServerEvents extends SessionEvents {
  /** A client has opened a stream; with `isEnd` it has ended its half already. */
  onStream(stream: Http2Stream, head: RequestPseudoFields, fields: readonly HeaderField[], isEnd: boolean): void;
}

/** The end of a session in which the peer opens streams. */
export class Http2Server extends Http2Session {
  readonly isClient = false;
  protected override readonly events: ServerEvents;
  /** The last stream that the client opened. */
  #lastId = 0;
  /** Later streams are not acted upon. */
  #lastServed = Infinity;
  /** What of the preface has come. */
  #prefaceBytes = 0;
  #isDraining = false;
  readonly #heads: HeadReader<RequestHead>;

  constructor(wire: Wire, setup: SessionSetup, events: ServerEvents) {
    super(wire, setup, events);
    this.events = events;
    this.#heads = new HeadReader((all) => readRequest(all, setup.extendedConnect));
    const settings: Setting[] = [[settingIds.maxConcurrentStreams, setup.maxStreams]];
    if (setup.extendedConnect) settings.push([settingIds.enableConnectProtocol, 1]);
    if (setup.announcesFrames) settings.push(this.toLargeFrame());
    this.start(settings);
  }

  override feed(chunk: Buffer): boolean {
    let start = 0;
    while (this.#prefaceBytes < preface.length && start < chunk.length && !this.isOver) {
      if (chunk[start++] === preface[this.#prefaceBytes]) this.#prefaceBytes++;
      else this.fail(new ConnectionFault(errorCodes.protocolError, 'it does not begin as HTTP/2 does'));
    }
    return start < chunk.length ? super.feed(chunk, start) : false;
  }

  /** Sends a 1xx answer. */
  inform(stream: Http2Stream, status: number, fields: readonly HeaderField[]): void {
    if (!stream.isClosed && !stream.isAnswered) this.#sendHead(stream, status, fields, false);
  }

  /** Sends the head of the answer, and the end of the stream with it if `isEnd`. */
  respond(stream: Http2Stream, status: number, fields: readonly HeaderField[], isEnd: boolean): void {
    if (stream.isClosed || stream.isAnswered) return;
    stream.isAnswered = true;
    this.#sendHead(stream, status, fields, isEnd);
    if (isEnd) stream.endWithHead();
  }

  /** RFC 9113, section 6.8: first says that the end is near, a round trip later which stream was the last. */
  drain(): void {
    if (this.isOver || this.#isDraining) return;
    this.#isDraining = true;
    this.scheduler.frames.goaway(mostBytes);
    this.ping(drainPayload);
  }

  /** Says which stream was the last; later ones are ignored. */
  sayLast(): void {
    if (this.isOver || this.#lastServed !== Infinity) return;
    this.#isDraining = true;
    this.#lastServed = this.#lastId;
    this.scheduler.frames.goaway(this.#lastId);
    this.scheduler.wake();
  }

  protected get lastTaken(): number {
    return Math.min(this.#lastId, this.#lastServed);
  }

  protected isIdle(id: number): boolean {
    return id % 2 === 0 || id > this.#lastId;
  }

  protected onPingAnswered(payload: Buffer): void {
    if (payload.equals(drainPayload)) this.sayLast();
  }

  protected onGoaway(_last: number, code: number): void {
    if (code !== errorCodes.noError) this.fail(new ConnectionFault(errorCodes.noError, 'the client ended the session'));
  }

  protected onHeaders(block: HeaderBlock, all: readonly HeaderField[], isTooLarge: boolean): void {
    const { stream: id, isEnd } = block;
    const stream = this.streams.get(id);
    if (stream) return this.#onTrailers(stream, block, all, isTooLarge);
    if (id % 2 === 0) throw new ConnectionFault(errorCodes.protocolError, 'a stream of an even number');
    if (id <= this.#lastId) return this.#onLateHeaders(id);
    this.#lastId = id;
    if (id > this.#lastServed) return this.budgets.spendIdle('refused');
    if (this.load >= this.setup.maxStreams) {
      this.resetClosed(id, errorCodes.refusedStream, firstWindowBytes + this.startWindowBytes);
      return this.budgets.spendIdle('refused');
    }
    if (block.dependsOnItself) return this.failStream(id, errorCodes.protocolError);
    if (isTooLarge) return this.#refuseHead(id, isEnd);
    const head = this.#heads.read(all, block.bytes.length);
    if (!head || (isEnd && head.pseudo.method !== 'CONNECT' && (head.bodyBytes ?? 0) > 0)) {
      return this.failStream(id, errorCodes.protocolError);
    }
    this.#open(id, head.pseudo, head.fields, isEnd, head.bodyBytes);
  }

  #open(
    id: number,
    pseudo: RequestPseudoFields,
    fields: readonly HeaderField[],
    isEnd: boolean,
    bodyBytes: number | undefined,
  ): void {
    const stream = this.addStream(id);
    stream.isTunnel = pseudo.method === 'CONNECT';
    if (!stream.isTunnel) stream.bodyBytesLeft = bodyBytes;
    this.events.onStream(stream, pseudo, fields, isEnd);
    if (isEnd && !stream.isClosed) this.endBody(stream);
  }

  #onTrailers(stream: Http2Stream, block: HeaderBlock, all: readonly HeaderField[], isTooLarge: boolean): void {
    if (stream.isRemoteEnded) return this.failStream(stream.id, errorCodes.streamClosed);
    const isValid = block.isEnd && !stream.isTunnel && !isTooLarge && !block.dependsOnItself;
    const fields = isValid ? readTrailers(all, true) : undefined;
    if (!fields) return this.failStream(stream.id, errorCodes.protocolError);
    stream.follower?.onTrailers(fields);
    if (!stream.isClosed) this.endBody(stream);
  }

  #onLateHeaders(id: number): void {
    switch (this.closed.find(id)) {
      case 'own':
        return this.budgets.spendIdle('refused');
      case 'peer':
      case 'ends':
        throw new ConnectionFault(errorCodes.streamClosed, 'HEADERS on a stream that is closed');
      default:
        throw new ConnectionFault(errorCodes.protocolError, 'a stream with a number below the last');
    }
  }

  /** A head above our limit is answered by ourselves: nobody has all its fields. */
  #refuseHead(id: number, isEnd: boolean): void {
    const stream = this.addStream(id);
    this.respond(stream, 431, [], true);
    if (isEnd) stream.receiveEnd();
    else stream.abort(errorCodes.noError);
    this.budgets.spendIdle('refused');
  }

  #sendHead(stream: Http2Stream, status: number, fields: readonly HeaderField[], isEnd: boolean): void {
    const block = this.encoder.encode(toFields([[':status', String(status)]], fields));
    this.scheduler.frames.headers(stream.id, block, isEnd);
    this.scheduler.wake();
  }
}
