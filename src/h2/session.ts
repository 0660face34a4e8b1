import type { HeaderField } from '../core/hop.ts';
import { resetError } from '../core/link.ts';
import { ConnectionFault, errorCodes, firstWindowBytes, flags as bits, frameTypes, mostBytes } from './codes.ts';
import { type FrameEvents, FrameReader, readUint32 } from './frame-reader.ts';
import { type HeaderBlock, HeaderBlockReader } from './header-block.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackError } from './hpack/error.ts';
import type { Wire } from './scheduler.ts';
import { SessionBase, type SessionEvents, type SessionSetup } from './session-base.ts';
import { formatSettings, type Setting, settingIds } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** The header table that we announce by saying nothing of it. */
const tableBytes = 4096;

const pingPayload = Buffer.alloc(8);

/** An increment below this is hardly worth its frame. */
const smallIncrement = 1024;

/** One end of an HTTP/2 connection, without its socket (RFC 9113): it reads the frames of the peer. */
export abstract class Http2Session extends SessionBase implements FrameEvents {
  /** PINGs that have no answer yet. */
  unansweredPings = 0;
  /** The peer has acknowledged our first settings. */
  isAcknowledged = false;
  /** The code of the peer's GOAWAY. */
  goawayCode: number = errorCodes.noError;
  readonly #decoder: HpackDecoder;
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlockReader;
  #hasSettings = false;
  /** SETTINGS of ours that the peer has not acknowledged. */
  #unacknowledged = 0;
  #askedAtMs = 0;

  constructor(wire: Wire, setup: SessionSetup, events: SessionEvents) {
    super(wire, setup, events);
    const { maxHeaderBytes, maxFields } = setup;
    this.#reader = new FrameReader(this, 2 * maxHeaderBytes);
    this.#blocks = new HeaderBlockReader(2 * maxHeaderBytes);
    this.#decoder = new HpackDecoder({ maxTableBytes: tableBytes, maxListBytes: maxHeaderBytes, maxFields });
  }

  /** Reads bytes of the connection, from `start` on. Returns true if their memory is still needed. */
  feed(chunk: Buffer, start = 0): boolean {
    if (this.isOver) return false;
    let isKept = false;
    this.isFeeding = true;
    try {
      isKept = this.#reader.feed(chunk, start);
      this.scheduler.assertRead();
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      // Data before the faulty frame may be on its way still.
      isKept = true;
      this.fail(error);
    } finally {
      this.isFeeding = false;
    }
    if (this.isUrgent) {
      this.isUrgent = false;
      this.scheduler.flush();
    }
    return isKept;
  }

  /** Writes what waits: at the end of the turn in which `Wire.schedule` was called. */
  flush(): void {
    this.scheduler.flush();
  }

  /** The wire, which was full, takes more. */
  onWritable(): void {
    this.scheduler.onWritable();
  }

  ping(payload: Buffer = pingPayload): void {
    if (this.isOver) return;
    this.unansweredPings++;
    this.#askedAtMs = performance.now();
    this.scheduler.frames.ping(payload, false);
    this.scheduler.wake();
  }

  /** Ends the session because of a fault of the peer: it is told by GOAWAY, and every stream is lost. */
  fail(fault: ConnectionFault): void {
    if (this.isOver) return;
    this.scheduler.frames.goaway(this.lastTaken, fault.code);
    this.scheduler.flush();
    this.end(resetError(`the HTTP/2 session was ended: ${fault.message}`));
    this.events.onFault(fault);
  }

  /** The connection is gone, or is to be: every open stream is lost. */
  end(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#reader.stop();
    this.scheduler.stop();
    for (const stream of this.streams.values()) stream.lose(error);
  }

  /** The last stream of the peer that we acted upon. */
  protected abstract readonly lastTaken: number;
  /** A header block has come. */
  protected abstract onHeaders(block: HeaderBlock, fields: readonly HeaderField[], isTooLarge: boolean): void;
  protected abstract onGoaway(lastStream: number, code: number): void;
  /** A PING of ours with these eight bytes was answered. */
  protected abstract onPingAnswered(payload: Buffer): void;

  protected start(settings: readonly Setting[]): void {
    this.#announce([
      ...settings,
      [settingIds.initialWindowSize, this.startWindowBytes],
      [settingIds.maxHeaderListSize, this.setup.maxHeaderBytes],
    ]);
    const more = this.window.sizeBytes - firstWindowBytes;
    if (more > 0) this.scheduler.frames.windowUpdate(0, more);
    this.#askedAtMs = performance.now();
  }

  /** Lets the peer send as large frames as we take. */
  protected toLargeFrame(): Setting {
    this.#reader.maxDataBytes = this.setup.maxFrameBytes;
    return [settingIds.maxFrameSize, this.setup.maxFrameBytes];
  }

  #announce(settings: readonly Setting[]): void {
    this.#unacknowledged++;
    this.scheduler.frames.settings(formatSettings(settings));
    this.scheduler.wake();
  }

  onData(id: number, bytes: number, flags: number): void {
    this.#assertOrder(frameTypes.data, flags);
    this.startData(id, bytes);
  }

  onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    this.#assertOrder(type, flags);
    switch (type) {
      case frameTypes.headers:
        if (id === 0) throw fault('HEADERS on stream 0');
        return this.#onBlock(this.#blocks.start(id, flags, payload));
      case frameTypes.continuation:
        return this.#onBlock(this.#blocks.add(id, flags, payload));
      case frameTypes.priority:
        return this.#onPriority(id, payload);
      case frameTypes.resetStream:
        return this.#onReset(id, payload);
      case frameTypes.settings:
        return this.#onSettings(id, flags, payload);
      case frameTypes.pushPromise:
        throw fault('PUSH_PROMISE, which nobody asked for');
      case frameTypes.ping:
        return this.#onPing(id, flags, payload);
      case frameTypes.goaway:
        if (id !== 0) throw fault('GOAWAY on a stream');
        if (payload.length < 8) throw sizeFault('GOAWAY');
        this.budgets.spendIdle('other');
        this.goawayCode = readUint32(payload, 4);
        return this.onGoaway(readUint32(payload, 0) & mostBytes, this.goawayCode);
      case frameTypes.windowUpdate:
        return this.#onWindowUpdate(id, payload);
      default:
        return this.budgets.spendIdle('other');
    }
  }

  #assertOrder(type: number, flags: number): void {
    if (!this.#hasSettings && (type !== frameTypes.settings || (flags & bits.ack) !== 0)) {
      throw fault('its first frame is not SETTINGS');
    }
    if (this.#blocks.isOpen && type !== frameTypes.continuation) throw fault('a frame in the middle of a header block');
  }

  #onBlock(block: HeaderBlock | undefined): void {
    if (!block) return;
    try {
      const { fields, isTooLarge } = this.#decoder.decode(block.bytes);
      this.onHeaders(block, fields, isTooLarge);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionFault(errorCodes.compressionError, error.message);
    }
  }

  #onPriority(id: number, payload: Buffer): void {
    if (id === 0) throw fault('PRIORITY on stream 0');
    this.budgets.spendIdle('other');
    if (payload.length !== 5) return this.#failAny(id, errorCodes.frameSizeError);
    if ((readUint32(payload, 0) & mostBytes) === id) this.#failAny(id, errorCodes.protocolError);
  }

  /** A fault of one stream, or of the connection where that stream was never opened. */
  #failAny(id: number, code: number): void {
    if (this.isIdle(id)) throw new ConnectionFault(code, 'a fault on a stream that nobody opened');
    this.failStream(id, code);
  }

  #onReset(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw sizeFault('RST_STREAM');
    if (this.isIdle(id)) throw fault('RST_STREAM on a stream that nobody opened');
    const stream = this.streams.get(id);
    if (!stream) return this.budgets.spendIdle('other');
    const isUnanswered = !this.isClient && !stream.isAnswered;
    stream.receiveReset(readUint32(payload, 0));
    if (isUnanswered) this.budgets.spendReset();
  }

  #onSettings(id: number, flags: number, payload: Buffer): void {
    if (id !== 0) throw fault('SETTINGS on a stream');
    if ((flags & bits.ack) !== 0) {
      if (payload.length > 0) throw sizeFault('SETTINGS');
      if (this.#unacknowledged === 0) return this.budgets.spendIdle('other');
      this.#unacknowledged--;
      if (!this.isAcknowledged) this.#noteRoundTrip();
      this.isAcknowledged = true;
      return;
    }
    this.budgets.spendAnswer();
    const { windowBytes, headerTableBytes } = this.peer;
    this.peer.apply(payload);
    if (this.peer.headerTableBytes !== headerTableBytes) this.encoder.setMaxTableBytes(this.peer.headerTableBytes);
    this.scheduler.maxFrameBytes = this.peer.maxFrameBytes;
    this.#shiftWindows(this.peer.windowBytes - windowBytes);
    this.scheduler.frames.settingsAck();
    this.scheduler.wake();
    if (this.#hasSettings) return;
    this.#hasSettings = true;
    if (!this.isClient && !this.setup.announcesFrames && this.peer.takesLargeFrames)
      this.#announce([this.toLargeFrame()]);
    this.events.onSettings();
  }

  /** RFC 9113, section 6.9.2: the windows of open streams change too, and may fall below zero. */
  #shiftWindows(bytes: number): void {
    if (bytes === 0) return;
    for (const stream of this.streams.values()) {
      if (!this.#widen(stream, bytes)) throw new ConnectionFault(errorCodes.flowControlError, 'a window overflows');
    }
  }

  #onPing(id: number, flags: number, payload: Buffer): void {
    if (id !== 0) throw fault('PING on a stream');
    if (payload.length !== 8) throw sizeFault('PING');
    if ((flags & bits.ack) === 0) {
      this.budgets.spendAnswer();
      this.scheduler.frames.ping(payload, true);
      return this.scheduler.wake();
    }
    if (this.unansweredPings === 0) return this.budgets.spendIdle('other');
    this.unansweredPings--;
    this.#noteRoundTrip();
    this.onPingAnswered(payload);
  }

  #noteRoundTrip(): void {
    this.roundTripMs = performance.now() - this.#askedAtMs;
  }

  #onWindowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw sizeFault('WINDOW_UPDATE');
    const bytes = readUint32(payload, 0) & mostBytes;
    if (bytes < smallIncrement) this.budgets.spendUpdate(this.scheduler.dataFrames);
    if (id === 0) {
      if (bytes === 0) throw fault('a WINDOW_UPDATE of nothing');
      if (this.scheduler.readyCount > 0) this.isUrgent = true;
      return this.scheduler.widen(bytes);
    }
    if (this.isIdle(id)) throw fault('WINDOW_UPDATE on a stream that nobody opened');
    const stream = this.streams.get(id);
    if (!stream) return this.budgets.spendIdle('other');
    if (bytes === 0) return this.failStream(id, errorCodes.protocolError);
    if (!this.#widen(stream, bytes)) this.failStream(id, errorCodes.flowControlError);
  }

  /** Widens what we may send on a stream, or narrows it; false if that overflows. */
  #widen(stream: Http2Stream, bytes: number): boolean {
    if (stream.sendWindow + bytes > mostBytes) return false;
    stream.sendWindow += bytes;
    if (bytes > 0 && stream.pending.bytes > 0) {
      this.scheduler.enqueue(stream, 0, false);
      // It has waited long enough.
      this.isUrgent = true;
    }
    return true;
  }
}

function fault(message: string): ConnectionFault {
  return new ConnectionFault(errorCodes.protocolError, message);
}

function sizeFault(name: string): ConnectionFault {
  return new ConnectionFault(errorCodes.frameSizeError, `${name} of a length that cannot be`);
}
