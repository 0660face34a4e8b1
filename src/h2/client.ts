import type { HeaderField } from '../core/hop.ts';
import { resetError } from '../core/link.ts';
import { ConnectionFault, errorCodes, errorName, preface } from './codes.ts';
import {
  HeadReader,
  listPseudoFields,
  readResponse,
  readTrailers,
  type RequestPseudoFields,
  type ResponseHead,
  toFields,
} from './head.ts';
import type { HeaderBlock } from './header-block.ts';
import type { Wire } from './scheduler.ts';
import { Http2Session } from './session.ts';
import type { SessionEvents, SessionSetup } from './session-base.ts';
import { settingIds } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** From this number on no more streams are opened: half of what there are. */
const lastStream = 2 ** 30;

/** A peer may end the session after about 1,000 resets: be gone well before. */
const maxOwnResets = 500;

/** The end of a session that opens streams. */
export class Http2Client extends Http2Session {
  readonly isClient = true;
  /** The last stream that the peer may have acted upon, once it has said so (RFC 9113, section 6.8). */
  lastActedUpon = Infinity;
  protected readonly lastTaken = 0;
  #nextId = 1;
  /** The first stream whose head the wire was not given yet. */
  #unsentId = 1;
  #ownResets = 0;
  #hasCut = false;
  #isDraining = false;
  readonly #heads: HeadReader<ResponseHead> = new HeadReader(readResponse);

  constructor(wire: Wire, setup: SessionSetup, events: SessionEvents) {
    const write: Wire['write'] = (parts) => {
      this.#unsentId = this.#nextId;
      return wire.write(parts);
    };
    super({ write, schedule: () => wire.schedule(), copies: wire.copies ?? false }, setup, events);
    this.scheduler.frames.raw(preface);
    this.start([[settingIds.enablePush, 0], this.toLargeFrame()]);
  }

  /** False once no more streams can be opened. */
  get isUsable(): boolean {
    return !this.isOver && !this.#isDraining && this.#nextId < lastStream && this.#ownResets < maxOwnResets;
  }

  /** True if we have reset a stream since the last one was opened: nobody waits for the rest of what was sent. */
  get hasCut(): boolean {
    return this.#hasCut;
  }

  /** Opens a stream with the head of a request; our half ends with it if `isEnd`. The session must be usable. */
  open(pseudo: RequestPseudoFields, fields: readonly HeaderField[], isEnd: boolean): Http2Stream {
    const stream = this.addStream(this.#nextId);
    this.#nextId += 2;
    this.#hasCut = false;
    const block = this.encoder.encode(toFields(listPseudoFields(pseudo), fields));
    stream.isConnect = pseudo.method === 'CONNECT';
    stream.isHead = pseudo.method === 'HEAD';
    this.scheduler.frames.headers(stream.id, block, isEnd);
    // What the window does not take by the time that the target ends, Envoy cuts.
    this.widenFirst(stream);
    if (isEnd) stream.endWithHead();
    this.scheduler.wake();
    return stream;
  }

  /** Opens no more streams. With `isTold` the peer hears of it. */
  drain(isTold: boolean): void {
    if (this.isOver) return;
    this.#isDraining = true;
    if (!isTold) return;
    this.scheduler.frames.goaway(0);
    this.scheduler.wake();
  }

  /** True if it is proved that the peer did not act on a stream of ours (RFC 9113, section 8.7). */
  isUnprocessed({ id, closeCode }: Http2Stream): boolean {
    return id > this.lastActedUpon || closeCode === errorCodes.refusedStream || id >= this.#unsentId;
  }

  protected override sendReset(stream: Http2Stream): void {
    this.#ownResets++;
    this.#hasCut = true;
    super.sendReset(stream);
  }

  protected isIdle(id: number): boolean {
    return id % 2 === 0 || id >= this.#nextId;
  }

  protected onPingAnswered(): void {}

  protected onGoaway(last: number, code: number): void {
    this.#isDraining = true;
    this.lastActedUpon = Math.min(last, this.lastActedUpon);
    for (const stream of this.streams.values()) {
      if (stream.id > last) stream.receiveReset(errorCodes.refusedStream);
    }
    if (code !== errorCodes.noError) {
      this.end(resetError(`the peer ended the HTTP/2 session (${errorName(code)})`));
      this.events.onFault(new ConnectionFault(code, `GOAWAY ${errorName(code)}`));
    } else if (this.load === 0) this.events.onIdle();
  }

  protected onHeaders(block: HeaderBlock, fields: readonly HeaderField[], isTooLarge: boolean): void {
    const { stream: id, isEnd } = block;
    const stream = this.streams.get(id);
    if (!stream) {
      if (this.isIdle(id)) throw new ConnectionFault(errorCodes.protocolError, 'an answer that nobody asked for');
      return this.budgets.spendIdle('refused');
    }
    if (stream.isRemoteEnded) return this.failStream(id, errorCodes.streamClosed);
    if (isTooLarge) return this.failStream(id, errorCodes.enhanceYourCalm);
    if (block.dependsOnItself) return this.failStream(id, errorCodes.protocolError);
    if (stream.isAnswered) this.#onTrailers(stream, fields, isEnd);
    else this.#onAnswer(stream, block, fields);
  }

  #onAnswer(stream: Http2Stream, { bytes, isEnd }: HeaderBlock, all: readonly HeaderField[]): void {
    const head = this.#heads.read(all, bytes.length);
    const isInterim = head !== undefined && head.status < 200;
    // RFC 9113, section 8.6: there is no 101.
    if (!head || head.status === 101 || (isInterim && isEnd)) {
      return this.failStream(stream.id, errorCodes.protocolError);
    }
    const { status, fields, bodyBytes } = head;
    if (isInterim) return stream.follower?.onInterim?.(status, fields);
    stream.isTunnel = stream.isConnect && status < 300;
    const isEmpty = stream.isHead || status === 204 || status === 304;
    if (!stream.isTunnel) stream.bodyBytesLeft = isEmpty ? 0 : bodyBytes;
    stream.receiveHead(status, fields);
    if (isEnd && !stream.isClosed) this.endBody(stream);
  }

  #onTrailers(stream: Http2Stream, all: readonly HeaderField[], isEnd: boolean): void {
    // In a tunnel they are a fault (RFC 9113, section 8.5), but proxies send them: whoever follows it wants them.
    const mayCome = isEnd && (!stream.isTunnel || stream.follower !== undefined);
    const fields = mayCome ? readTrailers(all, false) : undefined;
    if (!fields) return this.failStream(stream.id, errorCodes.protocolError);
    stream.follower?.onTrailers(fields);
    if (!stream.isClosed) this.endBody(stream);
  }
}
