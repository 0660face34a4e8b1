import { type ClientHttp2Stream, constants } from 'node:http2';
import type { TunlError } from '../../../core/errors.ts';
import type { Link } from '../../../core/link.ts';
import type { OpenedEvents, OpenedStream } from '../streams.ts';
import { type OnHeaders, toFields } from './fields.ts';

/** The session of a stream, as far as the stream needs it. */
export interface OpenedOwner {
  /** Counts a reset of ours. */
  countReset(stream: ClientHttp2Stream): void;
  explainLoss(stream: ClientHttp2Stream): TunlError;
}

/** A stream of Node that we opened. */
export class NodeOpenedStream implements OpenedStream {
  readonly stream: ClientHttp2Stream;
  readonly link: Link;
  readonly #owner: OpenedOwner;
  #isCancelled = false;
  #stop = () => {};

  constructor(stream: ClientHttp2Stream, inner: Link, owner: OpenedOwner) {
    this.stream = stream;
    this.#owner = owner;
    const reset = (error: Error) => {
      owner.countReset(stream);
      inner.reset(error);
    };
    this.link = { ...inner, reset };
  }

  listen({ onInterim, onResponse, onTrailers, onEnd, onClose }: OpenedEvents): void {
    const { stream } = this;
    const onHeaders: OnHeaders = ({ ':status': status }, _, raw) => {
      onInterim?.(Number(status), toFields(raw));
    };
    const onAnswer: OnHeaders = ({ ':status': status }, _, raw) => onResponse(Number(status), toFields(raw));
    const onLast: OnHeaders = (_headers, _flags, raw) => onTrailers(toFields(raw));
    if (onInterim) stream.on('headers', onHeaders);
    stream.once('response', onAnswer).on('trailers', onLast).once('close', onClose).once('end', onEnd);
    this.#stop = () => {
      stream.off('headers', onHeaders).off('response', onAnswer).off('trailers', onLast);
      stream.off('close', onClose).off('end', onEnd);
    };
  }

  pause(): void {
    this.stream.pause();
  }

  release(): void {
    this.#stop();
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const { stream } = this;
    this.#owner.countReset(stream);
    // Not here: in the middle of a read, some versions of Node hold this code back, destroy the stream, and end the
    // process (an assertion in its HTTP/2) when its half that was not sent yet is to be.
    setImmediate(() => {
      if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  explainLoss(): TunlError {
    return this.#owner.explainLoss(this.stream);
  }
}
