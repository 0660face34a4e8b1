import type { Duplex } from 'node:stream';
import type { TunlError } from '../../../core/errors.ts';
import type { HeaderField } from '../../../core/hop.ts';
import type { Peer } from '../../../core/link.ts';
import { errorCodes } from '../../../h2/codes.ts';
import { toFields } from '../../../h2/head.ts';
import type { Http2Stream } from '../../../h2/stream.ts';
import type { StreamEvents } from '../../../h2/stream-state.ts';
import { Http2Link, type LinkWatcher } from './link.ts';

/** Events of a stream that we opened. */
export interface OpenedEvents extends LinkWatcher {
  /** A 1xx answer. */
  onInterim(status: number, fields: readonly HeaderField[]): void;
  onResponse(status: number, fields: readonly HeaderField[]): void;
  onTrailers(fields: readonly HeaderField[]): void;
}

/** The session of a stream, as far as the stream needs it. */
export interface OpenedOwner {
  explainLoss(stream: Http2Stream): TunlError;
}

/** A stream that carries a request of ours, and the ways to end it. */
export class OpenedStream implements StreamEvents {
  /** A Link over the stream, whose reset is that of a tunnel. */
  readonly link: Http2Link;
  readonly #stream: Http2Stream;
  readonly #owner: OpenedOwner;
  #events: OpenedEvents | undefined;

  constructor(
    stream: Http2Stream,
    peer: Peer,
    owner: OpenedOwner,
    trailers: (() => readonly HeaderField[]) | undefined,
  ) {
    this.#stream = stream;
    this.#owner = owner;
    this.link = new Http2Link(stream, peer);
    if (trailers) this.link.trailers = () => toFields([], trailers());
  }

  /** The bytes of the bodies. They are kept until somebody reads them. */
  get stream(): Duplex {
    return this.link.stream;
  }

  listen(events: OpenedEvents): void {
    this.#events = events;
    this.#stream.follow(this);
    this.link.watcher = events;
  }

  /** Removes the listeners, so that a long-lived stream does not keep their owner. Only trailers are still told of. */
  release(onTrailers?: (fields: readonly HeaderField[]) => void): void {
    this.#events = undefined;
    this.#stream.follow(onTrailers && { onTrailers, onClose: () => {} });
    this.link.watcher = undefined;
  }

  /** Gives the exchange up: nobody wants the answer any more. */
  cancel(): void {
    this.#stream.abort(errorCodes.cancel);
  }

  /** Says why there was no answer, once the stream is closed. */
  explainLoss(): TunlError {
    return this.#owner.explainLoss(this.#stream);
  }

  onInterim(status: number, fields: readonly HeaderField[]): void {
    this.#events?.onInterim(status, fields);
  }

  onHead(status: number, fields: readonly HeaderField[]): void {
    this.#events?.onResponse(status, fields);
  }

  onTrailers(fields: readonly HeaderField[]): void {
    this.#events?.onTrailers(fields);
  }

  onClose(): void {
    this.link.close();
  }
}
