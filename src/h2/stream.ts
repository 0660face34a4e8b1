import type { Fate, Flow, FlowEvents } from '../core/flow.ts';
import type { HeaderField } from '../core/hop.ts';
import { ByteQueue } from '../core/byte-queue.ts';
import { errorCodes } from './codes.ts';
import { copyToSpare } from './spare-blocks.ts';
import { streamError, type StreamEvents, type StreamHost, StreamState } from './stream-state.ts';
import type { ReceiveWindow } from './window.ts';

/** From so many waiting bytes on, a writer should wait. */
const fullBytes = 128 * 1024;

/** Chunks up to this are copied where they have to wait: that costs less than a new buffer for the next read. */
const copiedBytes = 16 * 1024;

/** The most that is delivered at a time of what was held. */
const mostDeliveredBytes = 64 * 1024;

/** One stream of a session (RFC 9113, section 5). As a Flow it carries the bytes of both bodies, or of a tunnel. */
export class Http2Stream extends StreamState implements Flow {
  readonly #host: StreamHost;
  #events: FlowEvents | undefined;
  #more: StreamEvents | undefined;
  #held: ByteQueue | undefined;
  #isFlowing = false;
  #isEndTold = false;
  #isAborted = false;
  #isResetTold = false;
  #isOver = false;
  #isTelling = false;
  #isFinishTold = false;
  /** An error that is told after the end. */
  #lateFailure: Error | undefined;

  constructor(host: StreamHost, id: number, window: ReceiveWindow, sendWindow: number) {
    super(id, window, sendWindow);
    this.#host = host;
  }

  /** It was we who opened it. */
  get isOwn(): boolean {
    return this.#host.isClient;
  }

  get queuedBytes(): number {
    return this.pending.bytes;
  }

  get isEnded(): boolean {
    return this.isRemoteEnded && this.heldBytes === 0;
  }

  get isFinished(): boolean {
    return this.isLocalEnded;
  }

  /** Bytes that came and were not delivered yet. */
  get heldBytes(): number {
    return this.#held?.bytes ?? 0;
  }

  /** Names who hears of heads, trailers and the closing; `undefined`: nobody any more. */
  follow(events: StreamEvents | undefined): void {
    this.#more = events;
  }

  get follower(): StreamEvents | undefined {
    return this.#more;
  }

  listen(events: FlowEvents): void {
    this.#events = events;
    if (this.heldBytes > 0 || this.isRemoteEnded || this.failure) this.#tellLater();
  }

  pause(): void {
    this.#isFlowing = false;
  }

  resume(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    if (this.heldBytes > 0) this.#tellLater();
  }

  write(chunk: Buffer): Fate {
    if (this.isClosed || this.isEnding || chunk.length === 0) return 'free';
    if (this.pending.bytes === 0 && this.#host.writeSmall(this, chunk)) return 'free';
    const isCopied = chunk.length <= copiedBytes;
    if (isCopied) this.pending.pushCopy(chunk);
    else this.pending.push(chunk);
    if (this.#host.enqueue(this, chunk.length, !isCopied)) return 'free';
    this.wantsDrain = true;
    const isFree = isCopied || this.#host.copies;
    if (isFree && !isCopied) this.pending.replaceLast(copyToSpare);
    if (this.pending.bytes >= (this.#host.isCrowded ? 1 : fullBytes)) return isFree ? 'wait' : 'full';
    return isFree ? 'free' : 'kept';
  }

  end(trailers?: readonly HeaderField[]): void {
    if (this.isClosed || this.isEnding) return;
    this.isEnding = true;
    this.trailers = trailers;
    this.#host.enqueue(this, 0, false);
  }

  reset(error: Error): void {
    this.#abort(errorCodes.connectError, error);
  }

  close(): void {
    if (!this.isEnded || !this.isFinished) this.abort(errorCodes.cancel);
  }

  /** Closes the stream with RST_STREAM, and tells its receiver. */
  abort(code: number): void {
    if (this.#isOver) return;
    const error = streamError(code);
    this.#abort(code, error);
    this.#events?.onReset(error);
  }

  /** Takes some bytes of DATA. True if their memory is still needed. */
  receive(part: Buffer): boolean {
    if (this.#isFlowing && this.#events && this.heldBytes === 0) {
      const isKept = this.#events.onData(part);
      this.#host.credit(this, part.length);
      return isKept;
    }
    this.#held ??= new ByteQueue();
    const isKept = part.length > copiedBytes;
    if (isKept) this.#held.push(part);
    else this.#held.pushCopy(part);
    return isKept;
  }

  /** END_STREAM has come. */
  receiveEnd(): void {
    this.isRemoteEnded = true;
    if (this.isLocalEnded) this.#closeAtEnd();
    this.#tellEnd();
  }

  receiveHead(status: number, fields: readonly HeaderField[]): void {
    this.isAnswered = true;
    this.#more?.onHead?.(status, fields);
  }

  /** RST_STREAM has come, or a GOAWAY that left this stream out. */
  receiveReset(code: number): void {
    if (this.isClosed) return;
    const host = this.#host;
    const isWhole = host.cleanResets.has(code) || (host.isClient && this.isRemoteEnded);
    const isLost = this.pending.bytes > 0;
    this.#close(code);
    if (!isWhole || !this.isAnswered) return this.#fail(streamError(code));
    this.isRemoteEnded = true;
    // With these codes a server says that it has no use for what we still send.
    const isFailure = code !== errorCodes.noError && code !== errorCodes.cancel;
    if (isFailure || isLost) this.#lateFailure = streamError(code);
    else if (!this.isLocalEnded) this.#finish();
    if (this.#isEndTold && this.#lateFailure) this.#fail(this.#lateFailure);
    else this.#tellEnd();
  }

  /** The session is lost. */
  lose(error: Error): void {
    if (this.isClosed) return;
    this.#close(errorCodes.internalError);
    if (!this.isRemoteEnded || this.#isEndTold) return this.#fail(error);
    this.#lateFailure = error;
    this.#tellEnd();
  }

  /** END_STREAM is written with the head. */
  endWithHead(): void {
    this.isEnding = true;
    this.#isFinishTold = true;
    this.noteEndSent();
  }

  /** END_STREAM is written. */
  noteEndSent(): void {
    this.isLocalEnded = true;
    if (this.isRemoteEnded) this.#closeAtEnd();
  }

  /** Called by the scheduler once it has written: a writer that waits goes on, and hears of the end. */
  tellSent(): void {
    if (this.#isAborted) return;
    if (this.isLocalEnded) {
      if (this.#isFinishTold) return;
      this.#isFinishTold = true;
      this.#more?.onEndSent?.();
      this.#events?.onFinish();
    } else if (!this.isClosed && this.pending.bytes === 0) {
      this.wantsDrain = false;
      this.#events?.onDrain();
    }
  }

  #abort(code: number, error: Error): void {
    if (this.#isOver) return;
    this.failure ??= error;
    this.#isAborted = true;
    this.#isResetTold = this.#events !== undefined;
    this.#close(code, true);
    this.#dropHeld();
    this.#settle();
  }

  /** @param isReset by us */
  #close(code: number, isReset = false): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closeCode = code;
    this.#host.remove(this, isReset);
    this.pending.clear();
    this.#settle();
  }

  #closeAtEnd(): void {
    // A server that has answered and not begun to read does not want it.
    if (!this.#host.isClient && !this.#events) this.#dropHeld();
    this.#close(errorCodes.noError);
  }

  #finish(): void {
    this.isEnding = true;
    this.isLocalEnded = true;
    this.#isFinishTold = true;
    this.#events?.onFinish();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#isAborted = true;
    this.#isResetTold = this.#events !== undefined;
    this.#dropHeld();
    this.#events?.onReset(error);
    this.#settle();
  }

  #dropHeld(): void {
    const bytes = this.heldBytes;
    if (bytes === 0) return;
    this.#held = undefined;
    this.#host.credit(undefined, bytes);
  }

  #tellEnd(): void {
    if (!this.isRemoteEnded || this.#isEndTold || this.heldBytes > 0 || this.#isAborted || this.#isTelling) return;
    if (!this.#events) return this.#settle();
    this.#isEndTold = true;
    this.#events.onEnd();
    if (this.#lateFailure) this.#fail(this.#lateFailure);
    else this.#settle();
  }

  #tellLater(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    process.nextTick(tellHeld, this);
  }

  /** Delivers what was held, and what came after it. */
  tellHeld(): void {
    this.#isTelling = false;
    const events = this.#events;
    if (!events) return;
    if (this.failure) {
      if (!this.#isResetTold) events.onReset(this.failure);
      this.#isResetTold = true;
      return;
    }
    while (this.#isFlowing && this.heldBytes > 0 && this.#events) {
      const chunk = (this.#held as ByteQueue).take(mostDeliveredBytes);
      this.#events.onData(chunk);
      this.#host.credit(this, chunk.length);
    }
    if (this.heldBytes === 0) this.#held = undefined;
    this.#tellEnd();
  }

  /** Says once that everything is over. */
  #settle(): void {
    if (!this.isClosed || this.#isOver) return;
    const isRead = this.#isEndTold && !this.#lateFailure;
    if (!this.#isAborted && !isRead && (this.#events || this.heldBytes > 0)) return;
    this.#isOver = true;
    if (this.#more) process.nextTick(tellClose, this);
  }
}

function tellHeld(stream: Http2Stream): void {
  stream.tellHeld();
}

function tellClose(stream: Http2Stream): void {
  stream.follower?.onClose();
}
