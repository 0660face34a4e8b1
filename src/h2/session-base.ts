import { PeerBudgets } from './budget.ts';
import { ClosedStreams } from './closed-streams.ts';
import { ConnectionFault, errorCodes, firstWindowBytes, flags as bits } from './codes.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { Scheduler, type Wire } from './scheduler.ts';
import { PeerSettings } from './settings.ts';
import { Http2Stream } from './stream.ts';
import type { StreamHost } from './stream-state.ts';
import { ReceiveWindow } from './window.ts';

/** How a session is set up. Windows are what the peer may send before we take it. */
export interface SessionSetup {
  /**
   * Codes of RST_STREAM that end a stream without being an abort. RFC 9113, section 8.5 knows none; HBONE peers end
   * tunnels with NO_ERROR and CANCEL.
   */
  readonly cleanResets: ReadonlySet<number>;
  /** The window that a stream may grow to. */
  readonly streamWindowBytes: number;
  /** The window that a stream starts with, if not with 256 KiB. */
  readonly startWindowBytes?: number;
  /** The window that the connection starts with. Slow readers may make it three times as large. */
  readonly sessionWindowBytes: number;
  /** Streams that the peer may open at a time (server), or that we do (client). */
  readonly maxStreams: number;
  readonly maxHeaderBytes: number;
  readonly maxFields: number;
  /** The payload of the largest DATA frame that we take; servers take it only from clients that take more than usual. */
  readonly maxFrameBytes: number;
  /** A server says at once what it takes, to all clients. */
  readonly announcesFrames?: true;
  /** Tell clients that they may ask for other protocols by CONNECT (RFC 8441). */
  readonly extendedConnect: boolean;
}

/** What a session tells whoever carries it. */
export interface SessionEvents {
  /** The SETTINGS of the peer have come for the first time. */
  onSettings(): void;
  /** No stream is open any more, or none was when the peer said GOAWAY. */
  onIdle(): void;
  /** The session is over because of a fault of the peer, of which GOAWAY tells it. */
  onFault(fault: ConnectionFault): void;
}

/** The window that a stream starts with. */
const startWindowBytes = 256 * 1024;

/** The most that the window of a connection grows to, and that the windows of its streams grow to, in its first windows. */
const mostWindows = 3;

/** A window grows if half of it was consumed within a round trip and this. */
const growMs = 10;

/** What a session knows of its streams, windows and budgets. */
export abstract class SessionBase implements StreamHost {
  abstract readonly isClient: boolean;
  readonly setup: SessionSetup;
  readonly peer: PeerSettings = new PeerSettings();
  isOver = false;
  protected readonly streams: Map<number, Http2Stream> = new Map();
  protected readonly closed: ClosedStreams = new ClosedStreams();
  protected readonly scheduler: Scheduler;
  protected readonly encoder: HpackEncoder = new HpackEncoder();
  protected readonly events: SessionEvents;
  protected readonly window: ReceiveWindow;
  protected readonly budgets: PeerBudgets = new PeerBudgets();
  protected readonly startWindowBytes: number;
  protected roundTripMs = 0;
  /** Bytes of the peer are being read. */
  protected isFeeding = false;
  /** A WINDOW_UPDATE waits, for which the peer may have stopped. */
  protected isUrgent = false;
  readonly #mostBytes: number;
  /** The windows of all open streams. */
  #promisedBytes = 0;
  /** The stream of the DATA frame that is being read. */
  #current: Http2Stream | undefined;
  /** Nothing but padding has come of it. */
  #isDataless = true;

  constructor(wire: Wire, setup: SessionSetup, events: SessionEvents) {
    this.setup = setup;
    this.events = events;
    this.scheduler = new Scheduler(wire);
    this.scheduler.encode = (fields) => this.encoder.encode(fields);
    this.window = new ReceiveWindow(Math.max(setup.sessionWindowBytes, firstWindowBytes));
    this.#mostBytes = mostWindows * this.window.sizeBytes;
    this.startWindowBytes = Math.min(setup.startWindowBytes ?? startWindowBytes, setup.streamWindowBytes);
  }

  get cleanResets(): ReadonlySet<number> {
    return this.setup.cleanResets;
  }

  /** Streams that are open. */
  get load(): number {
    return this.streams.size;
  }

  /** What the windows of the open streams let the peer have on the way, in bytes. */
  get promisedBytes(): number {
    return this.#promisedBytes;
  }

  writeSmall(stream: Http2Stream, chunk: Buffer): boolean {
    return this.scheduler.writeSmall(stream, chunk);
  }

  get isCrowded(): boolean {
    return this.scheduler.isCrowded;
  }

  get copies(): boolean {
    return this.scheduler.copies;
  }

  enqueue(stream: Http2Stream, bytes: number, atOnce: boolean): boolean {
    return this.scheduler.enqueue(stream, bytes, atOnce);
  }

  credit(stream: Http2Stream | undefined, bytes: number): void {
    if (this.isOver) return;
    if (this.window.credit(bytes)) this.#update(0, this.window);
    if (!stream || stream.isClosed || stream.isRemoteEnded || !stream.window.credit(bytes)) return;
    this.#grow(stream);
    this.#update(stream.id, stream.window);
  }

  remove(stream: Http2Stream, isReset: boolean): void {
    if (!this.streams.delete(stream.id)) return;
    this.#promisedBytes -= stream.window.sizeBytes;
    this.scheduler.drop(stream);
    if (isReset) this.sendReset(stream);
    else this.closed.add(stream.id, !(stream.isLocalEnded && stream.isRemoteEnded));
    if (this.streams.size === 0 && !this.isOver) this.events.onIdle();
  }

  protected sendReset(stream: Http2Stream): void {
    // With what is still to come of a frame that has begun.
    this.resetClosed(stream.id, stream.closeCode, stream.window.leftBytes);
  }

  /** Resets a stream that is not open any more, or never was. The peer may have sent `leftBytes` before it knows. */
  protected resetClosed(id: number, code: number, leftBytes: number): void {
    this.closed.addOwn(id, leftBytes);
    if (this.isOver) return;
    this.scheduler.frames.resetStream(id, code);
    this.scheduler.wake();
  }

  protected addStream(id: number): Http2Stream {
    const stream = new Http2Stream(this, id, new ReceiveWindow(this.startWindowBytes), this.peer.windowBytes);
    this.#promisedBytes += this.startWindowBytes;
    this.streams.set(id, stream);
    return stream;
  }

  /**
   * A fault of the peer that concerns one stream: it is reset.
   * @throws {ConnectionFault} if the peer makes us do so too often
   */
  protected failStream(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream) stream.abort(code);
    else this.resetClosed(id, code, this.startWindowBytes);
    this.budgets.spendReset();
  }

  /** A DATA frame begins. */
  protected startData(id: number, bytes: number): void {
    if (id === 0) throw new ConnectionFault(errorCodes.protocolError, 'DATA on stream 0');
    if (!this.window.take(bytes)) throw windowFault('the connection');
    if (this.window.leftBytes * 4 < this.window.sizeBytes) this.#giveWay();
    this.#isDataless = true;
    this.budgets.noteData(bytes);
    this.#current = undefined;
    const stream = this.streams.get(id);
    if (!stream) return this.#onLateData(id, bytes);
    if (!stream.window.take(bytes)) throw windowFault(`stream ${id}`);
    if (stream.isRemoteEnded) this.failStream(id, errorCodes.streamClosed);
    else if (this.isClient && !stream.isAnswered) this.failStream(id, errorCodes.protocolError);
    else this.#current = stream;
  }

  onDataPart(part: Buffer): boolean {
    this.#isDataless = false;
    const stream = this.#current;
    if (stream && !stream.isClosed) {
      if (stream.bodyBytesLeft === undefined) return stream.receive(part);
      stream.bodyBytesLeft -= part.length;
      if (stream.bodyBytesLeft >= 0) return stream.receive(part);
      this.failStream(stream.id, errorCodes.protocolError);
    }
    this.credit(undefined, part.length);
    return false;
  }

  onPadding(bytes: number): void {
    this.credit(this.#current, bytes);
  }

  onDataEnd(flags: number): void {
    const stream = this.#current;
    this.#current = undefined;
    if (this.#isDataless && (flags & bits.endStream) === 0) this.budgets.spendIdle('dataless');
    if (stream && !stream.isClosed && (flags & bits.endStream) !== 0) this.endBody(stream);
  }

  /** True for a stream that nobody has opened yet. */
  protected abstract isIdle(stream: number): boolean;

  /** END_STREAM has come: a body that is shorter than its length is a fault (RFC 9113, section 8.1.1). */
  protected endBody(stream: Http2Stream): void {
    if (stream.bodyBytesLeft === undefined || stream.bodyBytesLeft === 0) stream.receiveEnd();
    else this.failStream(stream.id, errorCodes.protocolError);
  }

  /** Data for a stream that is closed already. */
  #onLateData(id: number, bytes: number): void {
    if (this.isIdle(id)) throw new ConnectionFault(errorCodes.protocolError, 'DATA on a stream that nobody opened');
    switch (this.closed.find(id)) {
      case 'own':
        if (this.closed.take(id, bytes)) return;
        throw windowFault(`stream ${id}`);
      case 'peer':
        return this.failStream(id, errorCodes.streamClosed);
      case 'ends':
        throw new ConnectionFault(errorCodes.streamClosed, 'DATA after the end of its stream');
      default:
        this.budgets.spendIdle('refused');
    }
  }

  #update(id: number, window: ReceiveWindow): void {
    this.scheduler.frames.windowUpdate(id, window.takeIncrement());
    if (this.isFeeding) this.isUrgent = true;
    else this.scheduler.wake();
  }

  /** Readers hold most of the connection's window: it grows, so that the other streams go on. */
  #giveWay(): void {
    const { sizeBytes } = this.window;
    const more = Math.min(sizeBytes, this.#mostBytes - sizeBytes);
    if (more <= 0) return;
    this.window.grow(more);
    this.#update(0, this.window);
  }

  /** Doubles the window of a stream that consumes a full one within two round trips. */
  #grow(stream: Http2Stream): void {
    const now = performance.now();
    const isFast = now - stream.updatedAtMs <= this.roundTripMs + growMs;
    stream.updatedAtMs = now;
    if (!isFast) return;
    this.#promiseMore(stream, Math.min(stream.window.sizeBytes, this.#mostBytes - this.#promisedBytes));
  }

  /**
   * Widens the window of a stream that was just opened: the more, the fewer are open. Some of what all windows may
   * promise is left to streams that use theirs up.
   */
  protected widenFirst(stream: Http2Stream): void {
    const room = Math.floor(((3 / 4) * this.#mostBytes - this.#promisedBytes) / 4);
    if (room >= stream.window.sizeBytes && this.#promiseMore(stream, room)) this.#update(stream.id, stream.window);
  }

  #promiseMore({ window }: Http2Stream, bytes: number): boolean {
    const more = Math.min(bytes, this.setup.streamWindowBytes - window.sizeBytes);
    if (more <= 0) return false;
    window.grow(more);
    this.#promisedBytes += more;
    return true;
  }
}

function windowFault(what: string): ConnectionFault {
  return new ConnectionFault(errorCodes.flowControlError, `more data than the window of ${what}`);
}
