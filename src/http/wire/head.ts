import type { Duplex } from 'node:stream';
import { abortReason, isLimit, lateError, type Limit } from '../../core/deadline.ts';
import { requestError, TunlError } from '../../core/errors.ts';
import type { Flow, FlowEvents } from '../../core/flow.ts';
import type { Link } from '../../core/link.ts';
import { findWholeHead, type HeadFault, HeadScanner, type HeadShape } from './head-scanner.ts';

/** Thrown when a head could not be read. `received` holds the bytes that arrived, for a diagnosis. */
export class HeadError extends Error {
  readonly fault: HeadFault;
  readonly received: Buffer;

  constructor(fault: HeadFault, received: Buffer, cause?: unknown) {
    super(fault, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.received = received;
  }
}

/** The properties of a head that are known before it arrives. */
export interface HeadTraits extends HeadShape {
  /** The time that the head may take, and the words for a head that took longer; none if absent. */
  readonly late?: { readonly limit: Limit; readonly what: string };
}

/** Receives the outcome of reading a head, once. */
export interface HeadReceiver {
  onHead(bytes: Buffer): void;
  /** Gets a HeadError if the stream ends, is reset or holds something else, or the error of the signal or the limit. */
  onFault(error: Error): void;
}

/**
 * Reads one head, including its empty line. The bytes after it stay in the stream, which is left paused; no byte is
 * lost. A head that does not begin with `prefix` is refused at once.
 * @throws {HeadError} if the stream ends, is reset or holds something else
 * @throws {TunlError} the signal's reason, or the error of the limit
 */
export function readHead(
  stream: Duplex,
  maxHeadBytes: number,
  signal: AbortSignal,
  traits: HeadTraits = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    readHeadOf({ stream }, maxHeadBytes, signal, traits, { onHead: resolve, onFault: reject }),
  );
}

/** Does what `readHead` does without a promise, and past the stream if the Link can do so. */
export function readHeadOf(
  link: Pick<Link, 'stream' | 'flow'>,
  maxHeadBytes: number,
  signal: AbortSignal,
  traits: HeadTraits,
  receiver: HeadReceiver,
): void {
  if (signal.aborted) receiver.onFault(abortReason(signal));
  else new HeadReader(link, maxHeadBytes, signal, traits, receiver).start();
}

/** The reading of one head. */
class HeadReader implements FlowEvents {
  readonly #stream: Duplex;
  /** Present if bytes come past the stream. */
  readonly #flow: Flow | undefined;
  readonly #maxHeadBytes: number;
  readonly #signal: AbortSignal;
  readonly #traits: HeadTraits;
  readonly #receiver: HeadReceiver;
  /** Made for a head that does not arrive whole. */
  #scanner: HeadScanner | undefined;
  readonly #chunks: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The listeners of a stream. */
  #listeners: StreamListeners | undefined;

  constructor(
    { stream, flow }: Pick<Link, 'stream' | 'flow'>,
    maxHeadBytes: number,
    signal: AbortSignal,
    traits: HeadTraits,
    receiver: HeadReceiver,
  ) {
    this.#stream = stream;
    this.#flow = flow?.release ? flow : undefined;
    this.#maxHeadBytes = maxHeadBytes;
    this.#signal = signal;
    this.#traits = traits;
    this.#receiver = receiver;
  }

  start(): void {
    const { late } = this.#traits;
    const stream = this.#stream;
    if (stream.readableEnded || stream.destroyed) return this.#fail('closed', stream.errored ?? undefined);
    if (late && isLimit(late.limit)) this.#timer = setTimeout(giveUp, late.limit.ms, this);
    this.#signal.addEventListener('abort', this);
    if (this.#flow) {
      this.#flow.listen(this);
      this.#flow.resume();
    } else this.#listen();
  }

  onData(chunk: Buffer): boolean {
    const end = this.#findEnd(chunk);
    this.#chunks.push(typeof end === 'number' && end >= 0 ? chunk.subarray(0, end) : chunk);
    if (typeof end === 'string') this.#fail(end);
    else if (end >= 0) {
      this.#leave(end < chunk.length ? chunk.subarray(end) : undefined);
      this.#receiver.onHead(this.#received);
    }
    return true;
  }

  onEnd(): void {
    this.#fail('closed');
  }

  onReset(error: Error): void {
    this.#fail('closed', error);
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.giveUp(abortReason(this.#signal));
  }

  onLate(): void {
    const { late } = this.#traits;
    if (late) this.giveUp(lateError(late.limit, late.what));
  }

  giveUp(error: Error): void {
    this.#leave();
    this.#receiver.onFault(error);
  }

  onDrain(): void {}

  onFinish(): void {}

  get #received(): Buffer {
    const [first] = this.#chunks;
    return first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
  }

  /** Returns the length of the head's part of a chunk, or -1 if the head continues. */
  #findEnd(chunk: Buffer): number | HeadFault {
    const whole = this.#chunks.length === 0 ? findWholeHead(chunk, this.#maxHeadBytes, this.#traits) : undefined;
    if (whole !== undefined) return whole;
    this.#scanner ??= new HeadScanner(this.#traits);
    return this.#scanner.scan(chunk, this.#maxHeadBytes);
  }

  #fail(fault: HeadFault, cause?: unknown): void {
    this.giveUp(new HeadError(fault, this.#received, cause));
  }

  #listen(): void {
    const onData = (chunk: Buffer) => void this.onData(chunk);
    const onClosed = () => this.onEnd();
    const onError = (error: Error) => this.onReset(error);
    this.#listeners = { onData, onClosed, onError };
    this.#stream.on('data', onData).on('end', onClosed).on('error', onError).on('close', onClosed);
    this.#stream.resume();
  }

  #leave(rest?: Buffer): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
    if (this.#flow) return this.#flow.release?.(rest);
    const stream = this.#stream;
    if (this.#listeners) {
      const { onData, onClosed, onError } = this.#listeners;
      stream.off('data', onData).off('end', onClosed).off('error', onError).off('close', onClosed);
    }
    stream.pause();
    if (rest) stream.unshift(rest);
  }
}

interface StreamListeners {
  readonly onData: (chunk: Buffer) => void;
  readonly onClosed: () => void;
  readonly onError: (error: Error) => void;
}

function giveUp(reader: HeadReader): void {
  reader.onLate();
}

/** Turns the HeadError of a client's request into the error that it is answered with. */
export function requestHeadError(error: HeadError): TunlError {
  switch (error.fault) {
    case 'closed':
      return new TunlError('connection_terminated', 'the client closed the connection before its request', {
        side: 'client',
        phase: 'request',
        cause: error,
      });
    case 'line_too_long':
      return requestError('the request line is too long', { cause: error, status: 414 });
    case 'too_large':
      return requestError('the request head is too large', { cause: error, status: 431 });
    case 'not_http':
      return requestError('the request is not HTTP/1.1', { cause: error });
  }
}
