import type { HeaderField } from '../core/hop.ts';
import { resetError } from '../core/link.ts';
import { ByteQueue } from '../core/byte-queue.ts';
import { errorCodes, errorName } from './codes.ts';
import type { ReceiveWindow } from './window.ts';

/** Receives what a stream has besides its bytes. */
export interface StreamEvents {
  /** A 1xx answer. Clients only; absent if nobody listens to them. */
  onInterim?(status: number, fields: readonly HeaderField[]): void;
  /** The head of the answer. Clients only. */
  onHead?(status: number, fields: readonly HeaderField[]): void;
  onTrailers(fields: readonly HeaderField[]): void;
  /** `end` was called, and END_STREAM is written. */
  onEndSent?(): void;
  /** The stream is closed, and what it brought was read or dropped. In a tick of its own. */
  onClose(): void;
}

/** What a stream needs of its session. */
export interface StreamHost {
  readonly isClient: boolean;
  readonly cleanResets: ReadonlySet<number>;
  /** Writes a small chunk at once, if nothing stands before it; false if it has to wait. */
  writeSmall(stream: StreamState, chunk: Buffer): boolean;
  /**
   * True while so much waits on all streams together that each may keep only one chunk. A stream of which nothing waits
   * goes on: nobody would tell it of the end of a wait.
   */
  readonly isCrowded: boolean;
  /** True if what is sent is copied in any case, so that nothing of it is needed afterwards. */
  readonly copies: boolean;
  /** So many more bytes of the stream, or its end, wait to be sent. True if the system took all of it in this call. */
  enqueue(stream: StreamState, bytes: number, atOnce: boolean): boolean;
  /** Bytes that came are delivered or dropped. */
  credit(stream: StreamState | undefined, bytes: number): void;
  /** The stream is closed: with a RST_STREAM of ours, if `isReset`. */
  remove(stream: StreamState, isReset: boolean): void;
}

/** What a session and its scheduler keep of a stream. */
export abstract class StreamState {
  readonly id: number;
  readonly window: ReceiveWindow;
  /** When the last WINDOW_UPDATE was sent for it. */
  updatedAtMs = 0;
  /** What the peer lets us send; below zero after its settings changed. */
  sendWindow: number;
  readonly pending: ByteQueue = new ByteQueue();
  /** It is in the ring of the scheduler; the stream behind it there. */
  isReady = false;
  nextReady: this | undefined;
  wantsDrain = false;
  /** The trailers that end our half. */
  trailers: readonly HeaderField[] | undefined;
  isEnding = false;
  /** Our END_STREAM is written. */
  isLocalEnded = false;
  /** The END_STREAM of the peer has come, or what counts as one. */
  isRemoteEnded = false;
  /** The head of the final answer has come (client) or gone (server). */
  isAnswered = false;
  /** The request was CONNECT, or HEAD. Clients only. */
  isConnect = false;
  isHead = false;
  /** It is a tunnel: nothing but DATA may come, and to a client that follows it trailers. */
  isTunnel = false;
  /** The bytes of the body that are still to come; undefined if nobody has said it. */
  bodyBytesLeft: number | undefined;
  isClosed = false;
  /** The code with which it was closed. */
  closeCode: number = errorCodes.noError;
  failure: Error | undefined;

  constructor(id: number, window: ReceiveWindow, sendWindow: number) {
    this.id = id;
    this.window = window;
    this.sendWindow = sendWindow;
  }
}

const errors = new Map<number, Error>();

/** The error of a stream that was reset with this code. It is made once: whoever reads it reads its message. */
export function streamError(code: number): Error {
  const known = errors.get(code);
  if (known) return known;
  const error = resetError(`the stream was reset (${errorName(code)})`);
  if (errors.size < 64) errors.set(code, error);
  return error;
}
