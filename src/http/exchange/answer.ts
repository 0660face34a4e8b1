import { type Duplex, Writable } from 'node:stream';
import { sizeOf } from '../../core/octets.ts';
import { TunlError } from '../../core/errors.ts';
import type { AnswerBody } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { isSafeField } from '../wire/message.ts';

/** The length of an answer's body: a number of bytes, unknown until it ends, or no body at all. */
export type AnswerLength = { readonly kind: 'known'; readonly bytes: number } | { readonly kind: 'open' | 'none' };

/** Receives the events of an answer. */
export interface AnswerEvents {
  readonly onBytes: (bytes: number) => void;
  /** The answer is complete or, if there is an error, was cut short. */
  readonly onSettled: (error?: TunlError) => void;
}

/** Fields that belong to one connection, or to the framing that is chosen here. */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/**
 * Returns the fields of an answer without those that belong to its connection.
 * @throws {TunlError} http_protocol_error, if a field cannot be written without changing its meaning
 */
export function readEndToEnd(headers: readonly HeaderField[]): HeaderField[] {
  const kept = headers.filter((field) => !connectionFields.has(field[0].toLowerCase()));
  if (!kept.every(isSafeField)) throw answerError('the answer has a field that cannot be written');
  return kept;
}

/** Adds the fields that describe a text of so many bytes, which is plain unless a field says otherwise. */
export function describeText(headers: readonly HeaderField[], bytes: number): HeaderField[] {
  const isTyped = bytes === 0 || headers.some(([name]) => name.toLowerCase() === 'content-type');
  const type: HeaderField[] = isTyped ? [] : [['Content-Type', 'text/plain; charset=utf-8']];
  return [...headers, ['Content-Length', String(bytes)], ...type];
}

/**
 * Reads the length of an answer's body (RFC 9112, section 6.3).
 * @throws {TunlError} http_protocol_error
 */
export function readLength(method: string, status: number, headers: readonly HeaderField[]): AnswerLength {
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'none' };
  const lengths = headers.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value);
  const [length] = lengths;
  if (length === undefined) return { kind: 'open' };
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(length)) throw answerError('the length of the answer is not valid');
  return { kind: 'known', bytes: Number(length) };
}

/**
 * Writes the body of an answer to `target`, a connection or a stream. A body that is longer or shorter than its length,
 * or is destroyed, settles with an error; the owner of the target must then cut the target.
 */
export abstract class Answer extends Writable implements AnswerBody {
  protected readonly target: Duplex;
  readonly #events: AnswerEvents;
  readonly #length: AnswerLength;
  readonly #onDrain = () => this.#goOn();
  readonly #onClose = () => void this.destroy(this.target.errored ?? answerError('the client is gone'));
  #left: number;
  #trailers: readonly HeaderField[] = [];
  #waiting: (() => void) | undefined;

  constructor(target: Duplex, length: AnswerLength, events: AnswerEvents) {
    super();
    this.target = target;
    this.#length = length;
    this.#left = length.kind === 'known' ? length.bytes : 0;
    this.#events = events;
    this.on('error', () => {});
    target.on('drain', this.#onDrain).on('close', this.#onClose);
    if (target.destroyed) this.#onClose();
  }

  /** Writes payload; returns false to ask the caller to wait for `drain`. */
  protected abstract writePayload(parts: readonly Buffer[], bytes: number): boolean;

  /** Writes the end of the body, after the payload. */
  protected abstract writeEnd(trailers: readonly HeaderField[]): void;

  setTrailers(fields: readonly HeaderField[]): void {
    this.#trailers = readEndToEnd(fields);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#write([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#left > 0) return done(answerError('the answer is shorter than its length'));
    if (!this.target.destroyed) this.writeEnd(this.#trailers);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.target.off('drain', this.#onDrain).off('close', this.#onClose);
    this.#waiting = undefined;
    done(error);
    this.#events.onSettled(this.writableFinished ? undefined : toAnswerError(error));
  }

  #write(parts: readonly Buffer[], done: (error?: Error) => void): void {
    const { kind } = this.#length;
    const bytes = sizeOf(parts);
    if (kind === 'none' || bytes === 0) return done();
    if (kind === 'known' && bytes > this.#left) return done(answerError('the answer is longer than its length'));
    if (kind === 'known') this.#left -= bytes;
    this.#events.onBytes(bytes);
    if (this.writePayload(parts, bytes)) done();
    else this.#waiting = done;
  }

  #goOn(): void {
    const goOn = this.#waiting;
    this.#waiting = undefined;
    // A slow reader that drains is progress too.
    this.#events.onBytes(0);
    goOn?.();
  }
}

/** Turns an error that destroyed an answer into a TunlError; the usual cause is an upstream that ended too early. */
function toAnswerError(error: Error | null): TunlError {
  if (error instanceof TunlError) return error;
  const facts = { side: 'target', phase: 'relay', ...(error && { cause: error }) } as const;
  return new TunlError('http_response_incomplete', 'the answer was cut short', facts);
}

function answerError(message: string): TunlError {
  return new TunlError('http_protocol_error', message, { side: 'target', phase: 'relay' });
}
