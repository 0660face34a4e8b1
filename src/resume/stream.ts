import type { Fate, Flow, FlowEvents } from '../core/flow.ts';
import { resetError } from '../core/link.ts';
import type { Ticked } from '../core/wheel.ts';
import { type Head, isValid, kinds } from './frames.ts';
import { Incoming } from './incoming.ts';
import { processMemory, type StreamMemory } from './memory.ts';
import { Outgoing } from './outgoing.ts';
import { Silence, silentTicks } from './silence.ts';
import { type End, nobody, type Offsets, type StreamOwner } from './terms.ts';
import { Transport, type TransportOwner } from './transport.ts';

/**
 * One end of a byte stream that outlives its transports: `docs/resume.md` is its contract. It counts the bytes of each
 * direction, keeps those that the other end has not acknowledged, and sends them again over the next transport.
 *
 * A half has ended (`onFinish`) once the other end has acknowledged its end, and not when that was sent. The near end
 * tells its application of the last of the two ends only when the far end knows everything (`done`): then both ends
 * end alike, whenever the last transport breaks.
 */
export class ResumableStream implements Flow, Ticked, TransportOwner {
  failure: Error | undefined;
  isEnded = false;
  isFinished = false;
  /** True once a frame of the other end has arrived: it knows the key and its own part. */
  isConfirmed = false;
  readonly #end: End;
  readonly #owner: StreamOwner;
  readonly #memory: StreamMemory;
  readonly #out = new Outgoing();
  readonly #in = new Incoming();
  readonly #silence = new Silence();
  #events = nobody;
  #isOver = false;
  /** The other end knows that both halves have ended. */
  #isDone = false;
  #hasSaidDone = false;
  /** The memory of this stream as far as it is counted. */
  #countedBytes = 0;

  constructor(end: End, owner: StreamOwner, memory: StreamMemory = processMemory) {
    this.#end = end;
    this.#owner = owner;
    this.#memory = memory;
  }

  get isEnding(): boolean {
    return this.#out.isEnding;
  }

  get queuedBytes(): number {
    return this.#out.queuedBytes;
  }

  get offsets(): Offsets {
    return { sent: this.#out.replay.sent, received: this.#in.received };
  }

  /** Grows with each byte that has arrived at either end, as far as we know. */
  get progress(): number {
    return this.#in.received + this.#out.replay.acked;
  }

  /** True if the other end can go on from there: what it lacks is still here, and it claims nothing that was not sent. */
  fits({ sent, received }: Offsets): boolean {
    const { replay } = this.#out;
    return replay.acked <= received && received <= replay.sent && sent >= this.#in.received;
  }

  /** Goes on over another transport, from the offsets of the other end, which fit. */
  attach(flow: Flow, { received }: Offsets): void {
    const out = this.#out;
    out.transport?.drop(resetError('another transport took its place'));
    const transport = new Transport(flow, this);
    out.transport = transport;
    this.#silence.end();
    this.#hasSaidDone = false;
    transport.start();
    if (out.transport !== transport) return;
    if (this.#isOver) return this.#sayReset();
    out.replay.rewind(received);
    // The first frame shows the far end that we have its answer, and both ends where they stand.
    this.#sendAck(this.#end === 'near' ? kinds.ping : kinds.ack);
    out.pump();
    this.#settle();
  }

  listen(events: FlowEvents): void {
    this.#events = events;
  }

  write(chunk: Buffer): Fate {
    if (this.#isOver || this.isEnding) return 'free';
    const fate = this.#out.write(chunk, this.#memory);
    this.#count();
    return fate;
  }

  end(): void {
    if (this.#isOver || this.isEnding) return;
    this.#out.end();
    this.#count();
  }

  reset(error: Error): void {
    if (!this.#isOver && !this.#hasTold) this.#giveUp(error);
  }

  close(): void {
    this.reset(resetError('it was closed'));
  }

  pause(): void {
    this.#in.isPaused = true;
  }

  resume(): void {
    if (!this.#in.isPaused) return;
    this.#in.isPaused = false;
    if (!this.#in.unread.isEmpty || this.#in.hasEnd) process.nextTick(deliverUnread, this);
  }

  /** Ends both halves with an error, unless they have ended: no transport will come any more. */
  abandon(error: Error): void {
    if (this.#isOver) return;
    const events = this.#hasTold ? nobody : this.#events;
    this.#giveUp(error);
    events.onReset(error);
  }

  /** Delivers what has arrived while nobody read. */
  deliverUnread(): void {
    for (const chunk of this.#in.read()) this.#events.onData(chunk);
    if (this.#isOver) return;
    this.#count();
    this.#in.takeEnd();
    if (this.#in.isAckDue) this.#sendAck();
    this.#settle();
  }

  onTick(): void {
    const { transport, replay } = this.#out;
    if (!transport) return;
    if (this.#in.taken > this.#in.acked) this.#sendAck();
    const next = this.#silence.tick(replay.acked < replay.end);
    if (next === 'ask') this.#out.send(kinds.ping, this.#in.taken);
    if (next === 'lose') transport.lose(resetError(`nothing came over the transport for more than ${silentTicks}s`));
  }

  onAlive(): void {
    this.#silence.end();
  }

  onRoom(): void {
    this.#out.pump();
    if (this.#out.takeDrain()) this.#events.onDrain();
  }

  onTransportLost(reason: Error): void {
    this.#out.transport = undefined;
    if (!this.#isOver) this.#owner.onLost(reason);
  }

  onHead(head: Head): boolean {
    this.isConfirmed = true;
    const { kind, offset, length } = head;
    if (kind === kinds.data && isValid(head) && this.#in.canReceive(offset, length)) return true;
    // What came before it is to be known before it.
    this.#deliver();
    if (this.#isOver) return false;
    if (!isValid(head)) return this.#fault('a frame that is not valid');
    switch (kind) {
      case kinds.data:
        return this.#fault('bytes that do not follow those before them');
      case kinds.end:
        return this.#onEnd(offset);
      case kinds.ack:
        return this.#onAck(offset);
      case kinds.ping:
        this.#sendAck();
        return this.#onAck(offset);
      case kinds.reset:
        this.#isDone = true;
        this.abandon(resetError('the other end was reset'));
        return false;
      case kinds.done:
        return this.#onDone();
      default:
        return this.#fault('a frame of an unknown kind');
    }
  }

  onPayload(offset: number, part: Buffer): void {
    this.#in.receive(offset, part);
  }

  onRead(): boolean {
    this.#deliver();
    return this.#in.takeKept();
  }

  /** True once the application knows that both halves have ended. */
  get #hasTold(): boolean {
    return this.isEnded && this.isFinished;
  }

  #onEnd(offset: number): boolean {
    if (!this.#in.receiveEnd(offset)) return this.#fault('an end that does not follow the bytes before it');
    if (this.#in.isAckDue) this.#sendAck();
    this.#settle();
    return !this.#isOver;
  }

  #onAck(offset: number): boolean {
    const { replay } = this.#out;
    this.#owner.onAck?.();
    if (offset > replay.sent) return this.#fault('an acknowledgement of bytes that were never sent');
    // One that was overtaken says nothing new.
    if (offset <= replay.acked) return true;
    replay.acknowledge(offset);
    this.#count();
    this.onRoom();
    this.#settle();
    return !this.#isOver;
  }

  #onDone(): boolean {
    if (!this.#out.isAllAcked || !this.#in.isEndTaken) return this.#fault('that all is done before it was');
    this.#isDone = true;
    this.#settle();
    return false;
  }

  #deliver(): void {
    if (this.#isOver) return;
    this.#in.deliver(this.#events);
    if (this.#in.isAckDue) this.#sendAck();
    this.#count();
  }

  /** Tells the application what it may know of the two ends, and the other end that everything is done. */
  #settle(): void {
    const mayTellBoth = this.#end === 'far' || this.#isDone;
    if (this.#out.isAllAcked && !this.isFinished && (mayTellBoth || !this.#in.isEndTaken)) {
      this.isFinished = true;
      this.#events.onFinish();
    }
    if (this.#in.isEndTaken && !this.isEnded && (mayTellBoth || !this.#out.isAllAcked)) {
      this.isEnded = true;
      this.#events.onEnd();
    }
    if (!this.#hasTold || this.#isOver) return;
    if (mayTellBoth && !this.#hasSaidDone) {
      this.#hasSaidDone = true;
      this.#out.send(kinds.done, this.#in.taken);
    }
    if (!this.#isDone) return;
    this.#isOver = true;
    this.#leave();
  }

  #sendAck(kind: number = kinds.ack): void {
    this.#in.acked = this.#in.taken;
    this.#out.send(kind, this.#in.acked);
  }

  #fault(what: string): false {
    this.abandon(resetError(`the other end sent ${what}`));
    return false;
  }

  #giveUp(error: Error): void {
    if (!this.#hasTold) this.failure = error;
    this.#isOver = true;
    this.#out.replay.clear();
    this.#in.unread.clear();
    this.#count();
    this.#events = nobody;
    this.#sayReset();
  }

  /** Sends the reset behind what was written before it, unless the other end knows. */
  #sayReset(): void {
    if (!this.#isDone) this.#out.send(kinds.reset, 0);
    this.#leave();
  }

  #leave(): void {
    this.#out.transport?.leave();
    this.#out.transport = undefined;
    this.#owner.onOver();
  }

  #count(): void {
    const bytes = this.#out.replay.bytes + this.#in.unread.bytes;
    this.#memory.add(bytes - this.#countedBytes);
    this.#countedBytes = bytes;
  }
}

const deliverUnread = (stream: ResumableStream): void => stream.deliverUnread();
