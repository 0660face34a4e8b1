import type { Fate } from '../core/flow.ts';
import type { HeaderField } from '../core/hop.ts';
import { ConnectionFault, errorCodes, firstWindowBytes, flags, mostBytes, usualFrameBytes } from './codes.ts';
import { FrameWriter, smallBytes } from './frame-writer.ts';
import { giveBack } from './spare-blocks.ts';
import type { Http2Stream } from './stream.ts';

/** Where the bytes of a session go. */
export interface Wire {
  /**
   * Writes the buffers in their order. Answers `free` once the system has taken everything, `kept` while some of it is
   * still on its way, and `full` if the next write should wait for `Http2Session.onWritable`.
   */
  write(parts: readonly Buffer[]): Fate;
  /** True if it copies what it is given: nothing of that is needed after `write`, whatever the answer. */
  readonly copies?: boolean;
  /** Asks for `Http2Session.flush` at the end of this turn. */
  schedule(): void;
}

/** So many bytes are written at once, not at the end of the turn. */
const flushBytes = 64 * 1024;

/** What one stream may send before it is the turn of the next. */
const quantumBytes = 64 * 1024;

/** The most that waits for a peer that does not read: answers to its control frames, and resets. */
const mostBlockedBytes = 256 * 1024;

/** The most that waits on all streams together before each may keep only one chunk. */
const mostQueuedBytes = 8 * 1024 * 1024;

/** The largest frame that we send, whatever the peer takes. */
const mostFrameBytes = 1024 * 1024;

/** The sending half of a session: what waits, whose turn it is, and when it is written. */
export class Scheduler {
  readonly frames: FrameWriter = new FrameWriter();
  /** What the peer lets us send on all streams together. */
  windowBytes = firstWindowBytes;
  maxFrameBytes = usualFrameBytes;
  /** DATA frames that were formatted. */
  dataFrames = 0;
  /** Set by the session: encodes the trailers of a stream. */
  encode: (fields: readonly HeaderField[]) => Buffer = () => Buffer.alloc(0);
  readonly #wire: Wire;
  #first: Http2Stream | undefined;
  #last: Http2Stream | undefined;
  #count = 0;
  #isBlocked = false;
  #isScheduled = false;
  #isFlushing = false;
  #isStopped = false;
  /** What waits on all streams. */
  #queuedBytes = 0;
  /** Streams that have to hear that they were written. */
  #sent: Http2Stream[] = [];

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** As `StreamHost.copies`. */
  get copies(): boolean {
    return this.#wire.copies ?? false;
  }

  /** As `StreamHost.isCrowded`. */
  get isCrowded(): boolean {
    return this.#queuedBytes >= mostQueuedBytes;
  }

  /** What waits on all streams. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Streams in the ring. */
  get readyCount(): number {
    return this.#count;
  }

  /** Has what was formatted written at the end of this turn. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped || this.#isBlocked) return;
    this.#isScheduled = true;
    this.#wire.schedule();
  }

  /** @throws {ConnectionFault} if the peer makes us answer and does not read it */
  assertRead(): void {
    if (this.#isBlocked && this.frames.bytes > mostBlockedBytes) {
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'the peer does not read the answers to its frames');
    }
  }

  /** Writes nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#first = undefined;
    this.#last = undefined;
    this.#count = 0;
  }

  /** RFC 9113, section 6.9.1: the peer widens the window of the connection. */
  widen(bytes: number): void {
    this.windowBytes += bytes;
    if (this.windowBytes > mostBytes) {
      throw new ConnectionFault(errorCodes.flowControlError, 'the window of the connection overflows');
    }
    if (this.#count > 0) this.wake();
  }

  /** As `StreamHost.writeSmall`. */
  writeSmall(stream: Http2Stream, chunk: Buffer): boolean {
    const { length } = chunk;
    if (length > smallBytes || this.#count > 0 || this.#isBlocked || this.#isFlushing || this.#isStopped) return false;
    if (length > stream.sendWindow || length > this.windowBytes) return false;
    stream.sendWindow -= length;
    this.windowBytes -= length;
    this.dataFrames++;
    this.frames.dataHead(stream.id, length, flags.none);
    this.frames.payload(chunk);
    if (this.frames.bytes >= flushBytes) this.#write();
    else this.wake();
    return true;
  }

  /** As `StreamHost.enqueue`. */
  enqueue(stream: Http2Stream, bytes: number, atOnce: boolean): boolean {
    this.#queuedBytes += bytes;
    if (this.#isStopped) return false;
    if (!stream.isReady && isSendable(stream)) this.#push(stream);
    if (atOnce && !this.#isBlocked && !this.#isFlushing) {
      const fate = this.#write();
      return fate === 'free' && stream.pending.bytes === 0;
    }
    this.wake();
    return false;
  }

  /** Forgets what waits on a stream that is closed. */
  drop(stream: Http2Stream): void {
    this.#queuedBytes -= stream.pending.bytes;
  }

  /** Goes on after the wire was full. */
  onWritable(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.flush();
  }

  /** Writes what waits, and tells those who wait for it. */
  flush(): void {
    this.#write();
    this.tellSent();
  }

  /** Tells the streams that were written. */
  tellSent(): void {
    if (this.#sent.length === 0) return;
    const sent = this.#sent;
    this.#sent = [];
    for (const stream of sent) stream.tellSent();
  }

  /** Writes what waits. Answers what became of the last of it. */
  #write(): Fate {
    if (this.#isFlushing || this.#isBlocked || this.#isStopped) return 'kept';
    this.#isScheduled = false;
    this.#isFlushing = true;
    let fate: Fate = 'free';
    for (;;) {
      this.#fill();
      if (this.frames.bytes === 0) break;
      const parts = this.frames.take();
      fate = this.#wire.write(parts);
      if (this.copies) parts.forEach(giveBack);
      if (fate === 'free' || this.copies) this.frames.reuse();
      this.#isBlocked = fate === 'full';
      // Stopped: the wire may have ended the session.
      if (this.#isBlocked || this.#isStopped) break;
    }
    this.#isFlushing = false;
    // Not here: it may be a writer who is in the middle of its write.
    if (this.#sent.length > 0) process.nextTick(tellSent, this);
    return fate;
  }

  /** Formats the data of the streams in turn, until there is enough to write. */
  #fill(): void {
    for (let stuck = 0; this.#first && stuck < this.#count && this.frames.bytes < flushBytes;) {
      const stream = this.#shift();
      if (!stream.isClosed) this.#sendSome(stream);
      // Only the connection's window can keep a stream here without sending anything.
      if (stream.isClosed || !isSendable(stream)) continue;
      this.#push(stream);
      stuck = this.windowBytes > 0 || stream.pending.bytes === 0 ? 0 : stuck + 1;
    }
  }

  #sendSome(stream: Http2Stream): void {
    const { pending } = stream;
    let turnBytes = Math.min(quantumBytes, stream.sendWindow, this.windowBytes);
    while (pending.bytes > 0 && turnBytes > 0) {
      const bytes = Math.min(pending.bytes, turnBytes, this.maxFrameBytes, mostFrameBytes);
      const isLast = stream.isEnding && !stream.trailers && bytes === pending.bytes;
      this.dataFrames++;
      this.frames.dataHead(stream.id, bytes, isLast ? flags.endStream : flags.none);
      for (let left = bytes; left > 0;) {
        const chunk = pending.take(left);
        this.frames.payload(chunk);
        left -= chunk.length;
      }
      turnBytes -= bytes;
      this.#queuedBytes -= bytes;
      stream.sendWindow -= bytes;
      this.windowBytes -= bytes;
      if (isLast) this.#end(stream);
    }
    if (pending.bytes === 0 && stream.isEnding && !stream.isLocalEnded) this.#sendEnd(stream);
    else if (stream.wantsDrain && pending.bytes === 0) this.#sent.push(stream);
  }

  #sendEnd(stream: Http2Stream): void {
    if (stream.trailers && stream.trailers.length > 0) {
      this.frames.headers(stream.id, this.encode(stream.trailers), true);
    } else this.frames.dataHead(stream.id, 0, flags.endStream);
    this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    stream.noteEndSent();
    this.#sent.push(stream);
  }

  #push(stream: Http2Stream): void {
    stream.isReady = true;
    stream.nextReady = undefined;
    if (this.#last) this.#last.nextReady = stream;
    else this.#first = stream;
    this.#last = stream;
    this.#count++;
  }

  #shift(): Http2Stream {
    const stream = this.#first as Http2Stream;
    this.#first = stream.nextReady;
    if (!this.#first) this.#last = undefined;
    stream.nextReady = undefined;
    stream.isReady = false;
    this.#count--;
    return stream;
  }
}

function tellSent(scheduler: Scheduler): void {
  scheduler.tellSent();
}

/** True if the stream has something that its own window lets it send. */
function isSendable(stream: Http2Stream): boolean {
  if (stream.isClosed || stream.isLocalEnded) return false;
  return stream.pending.bytes > 0 ? stream.sendWindow > 0 : stream.isEnding;
}
