import type { Duplex } from 'node:stream';
import type { TunlError } from '../../../core/errors.ts';
import type { HeaderField } from '../../../core/hop.ts';
import type { Peer } from '../../../core/link.ts';
import { errorCodes } from '../../../h2/codes.ts';
import { toFields } from '../../../h2/head.ts';
import type { Http2Stream } from '../../../h2/stream.ts';
import type { StreamEvents } from '../../../h2/stream-state.ts';
import type { OpenedEvents, OpenedStream } from '../streams.ts';
import { Http2Link } from './link.ts';

/** The session of a stream, as far as the stream needs it. */
export interface OpenedOwner {
  explainLoss(stream: Http2Stream): TunlError;
}

/** A stream of the engine that we opened. */
export class SessionOpenedStream implements OpenedStream, StreamEvents {
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

  get stream(): Duplex {
    return this.link.stream;
  }

  listen(events: OpenedEvents): void {
    this.#events = events;
    this.#stream.follow(this);
    this.link.onEnd = events.onEnd;
    this.link.onClose = events.onClose;
  }

  release(): void {
    this.#events = undefined;
    this.#stream.follow(undefined);
    this.link.onEnd = undefined;
    this.link.onClose = undefined;
  }

  cancel(): void {
    this.#stream.abort(errorCodes.cancel);
  }

  explainLoss(): TunlError {
    return this.#owner.explainLoss(this.#stream);
  }

  onInterim(status: number, fields: readonly HeaderField[]): void {
    this.#events?.onInterim?.(status, fields);
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
