import { ByteQueue } from '../core/byte-queue.ts';
import type { Fate, Flow, FlowEvents } from '../core/flow.ts';
import { resetError } from '../core/link.ts';
import { leavingTicks, type Ticked, wheel } from '../core/wheel.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { closeCodes, FrameError, opcodes, type Sender } from './frames.ts';
import { maxMessageBytes, reuseFrame, writeCloseCode, writeFrame } from './frame-writer.ts';

/** Seconds between two pings of a client: many front ends cut a connection that is silent for a minute. */
const pingTicks = 25;

/** The most bytes that may wait to be sent while pings are still answered. */
const maxWaitingBytes = 64 * 1024;

/** Chunks up to this are copied where they have to wait, so that they do not keep a whole read in memory. */
const maxCopiedBytes = 16 * 1024;

/** The most that is delivered at a time of what was held. */
const maxDeliveredBytes = 64 * 1024;

const nothing = Buffer.alloc(0);

/**
 * The bytes of a tunnel in the messages of a WebSocket. They travel in binary messages that are never empty; an empty one
 * ends the half of its sender. A connection that ends or closes before both halves have ended was reset.
 */
export class WebSocketFlow implements Flow, FlowEvents, FrameSink, Ticked {
  failure: Error | undefined;
  isEnding = false;
  isFinished = false;
  readonly #below: Flow;
  readonly #role: Sender;
  readonly #reader: FrameReader;
  #events: FlowEvents | undefined;
  #isFlowing = false;
  #isTelling = false;
  /** The receiver has heard of the failure. */
  #isFailureTold = false;
  /** Bytes that came while nobody wanted them. */
  readonly #held = new ByteQueue();
  /** The other side has ended its half; and the receiver knows. */
  #hasEnd = false;
  #isEndTold = false;
  /** Nothing more is said or heard: only the connection has to end. */
  #isLeaving = false;
  #ticksLeft = pingTicks;

  /** @param role the side that we are on */
  constructor(below: Flow, role: Sender) {
    this.#below = below;
    this.#role = role;
    this.#reader = new FrameReader(role === 'client' ? 'server' : 'client', this);
    below.listen(this);
    if (below.failure) this.#fail(below.failure);
    else if (below.isEnded) this.onEnd();
    else if (role === 'client') wheel.add(this);
  }

  get queuedBytes(): number {
    return this.#below.queuedBytes;
  }

  get isEnded(): boolean {
    return this.#hasEnd && this.#held.isEmpty;
  }

  listen(events: FlowEvents): void {
    this.#events = events;
    if (!this.#held.isEmpty || this.#hasEnd || this.failure) this.#tellLater();
  }

  write(chunk: Buffer): Fate {
    if (this.isEnding || this.failure) return 'free';
    let fate: Fate = 'free';
    for (let at = 0; at < chunk.length; at += maxMessageBytes) {
      fate = this.#send(opcodes.binary, chunk.subarray(at, at + maxMessageBytes));
    }
    // What the Flow below keeps is the frame.
    return fate === 'full' || fate === 'wait' ? 'wait' : 'free';
  }

  end(): void {
    if (this.isEnding || this.failure) return;
    this.isEnding = true;
    this.#send(opcodes.binary, nothing);
    if (this.#hasEnd) this.#leave(closeCodes.normal);
    this.#tellLater();
  }

  reset(error: Error): void {
    if (this.failure || this.#isDone) return;
    this.#isFailureTold = true;
    this.#fail(error);
  }

  close(): void {
    this.#held.clear();
    this.reset(resetError('the tunnel was abandoned'));
  }

  pause(): void {
    this.#isFlowing = false;
    // Only by reading on do we notice what becomes of the connection.
    if (!this.#hasEnd) this.#below.pause();
  }

  resume(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    if (this.#held.isEmpty) this.#below.resume();
    else this.#tellLater();
  }

  onData(chunk: Buffer): boolean {
    if (this.#isLeaving || this.failure) return false;
    try {
      return this.#reader.push(chunk);
    } catch (error) {
      this.#fail(error as Error);
      // A part of it may have been kept before.
      return true;
    }
  }

  onEnd(): void {
    if (this.#isLeaving) this.#goIfOver();
    else this.#fail(resetError('the connection was closed'));
  }

  onDrain(): void {
    if (this.failure) return;
    this.#tellFinish();
    this.#events?.onDrain();
  }

  onFinish(): void {
    this.#tellFinish();
    if (this.#isLeaving) this.#goIfOver();
  }

  onReset(error: Error): void {
    wheel.delete(this);
    if (!this.#isDone) this.#fail(error);
  }

  onPayload(bytes: Buffer): boolean {
    if (this.failure) return false;
    if (this.#hasEnd) throw new FrameError('bytes follow the end of a half');
    if (this.#isFlowing && this.#events && this.#held.isEmpty) return this.#events.onData(bytes);
    if (bytes.length > maxCopiedBytes) {
      this.#held.push(bytes);
      return true;
    }
    this.#held.pushCopy(bytes);
    return false;
  }

  onEmpty(): void {
    if (this.failure) return;
    if (this.#hasEnd) throw new FrameError('a half ends twice');
    this.#hasEnd = true;
    this.#below.resume();
    if (this.isEnding) this.#leave(closeCodes.normal);
    // Not at once: what follows in the same read may break the rules.
    this.#tellLater();
  }

  onPing(payload: Buffer): void {
    // Only the last one needs an answer (RFC 6455, section 5.5.3): who does not read them gets no more.
    if (this.queuedBytes < maxWaitingBytes) this.#send(opcodes.pong, payload);
  }

  onClose(code: number): void {
    if (!this.#isLeaving) this.#fail(resetError(`the other side closed the WebSocket (${code})`));
  }

  onTick(): void {
    if (--this.#ticksLeft > 0) return;
    if (this.#isLeaving) return this.#giveUp();
    this.#ticksLeft = pingTicks;
    // While nobody reads, there is more to come: the connection is not silent.
    if (this.#isFlowing) this.#send(opcodes.ping, nothing);
  }

  /** Delivers what was held, and tells what has become of both halves. */
  tell(): void {
    this.#isTelling = false;
    if (this.failure) return this.#tellFailure();
    while (this.#events && this.#isFlowing && !this.#held.isEmpty)
      this.#events.onData(this.#held.take(maxDeliveredBytes));
    if (this.#isFlowing && this.#held.isEmpty) this.#below.resume();
    this.#tellEnd();
    this.#tellFinish();
  }

  /** Everything of both halves has gone its way. */
  get #isDone(): boolean {
    return this.#isLeaving && this.isFinished;
  }

  #tellLater(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    process.nextTick(tell, this);
  }

  #tellEnd(): void {
    if (!this.isEnded || this.#isEndTold || this.failure || !this.#events) return;
    this.#isEndTold = true;
    this.#events.onEnd();
  }

  #tellFinish(): void {
    if (!this.isEnding || this.isFinished || this.failure || this.queuedBytes > 0) return;
    this.isFinished = true;
    this.#events?.onFinish();
  }

  #tellFailure(): void {
    if (!this.failure || this.#isFailureTold || !this.#events) return;
    this.#isFailureTold = true;
    this.#events.onReset(this.failure);
  }

  #send(opcode: number, payload: Buffer): Fate {
    if (this.#below.isEnding || this.#below.failure) return 'free';
    const frame = writeFrame(this.#role, opcode, payload);
    const fate = this.#below.write(frame);
    if (fate === 'free' || fate === 'wait') reuseFrame(frame);
    return fate;
  }

  /** Ends both halves with an error, which the other side learns of; one that broke the rules has the chance to read that. */
  #fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.#held.clear();
    if (error instanceof FrameError) this.#leave(closeCodes.protocolError);
    else {
      wheel.delete(this);
      if (!this.#isLeaving) this.#send(opcodes.close, writeCloseCode(closeCodes.internalError));
      this.#below.reset(error);
    }
    this.#tellFailure();
  }

  /** Says that nothing follows, and waits for the connection to end. */
  #leave(code: number): void {
    this.#isLeaving = true;
    this.#send(opcodes.close, writeCloseCode(code));
    this.#below.end();
    this.#below.resume();
    // Whether everything else goes out in time is for others to say.
    if (this.failure) this.#limitLeave();
    else wheel.delete(this);
    this.#goIfOver();
  }

  /** Closes the connection once both sides have ended it, or one that broke the rules could read why. */
  #goIfOver(): void {
    const { isEnded, isFinished } = this.#below;
    if (isFinished && (isEnded || this.failure)) this.#giveUp();
    else if (isFinished) this.#limitLeave();
  }

  /** Gives the other side some seconds to end the connection. */
  #limitLeave(): void {
    this.#ticksLeft = leavingTicks;
    wheel.add(this);
  }

  #giveUp(): void {
    wheel.delete(this);
    if (this.#below.isFinished) this.#below.close();
    else this.#below.reset(resetError('the other side does not read'));
  }
}

function tell(flow: WebSocketFlow): void {
  flow.tell();
}
