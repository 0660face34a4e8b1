import type { Duplex } from 'node:stream';
import type { HeaderField } from '../../../core/hop.ts';
import type { Peer } from '../../../core/link.ts';
import { toFields } from '../../../h2/head.ts';
import type { Http2Server } from '../../../h2/server.ts';
import type { Http2Stream } from '../../../h2/stream.ts';
import type { StreamEvents } from '../../../h2/stream-state.ts';
import type { RequestPseudoFields } from '../../../h2/head.ts';
import { Http2Link, type LinkWatcher } from './link.ts';

/** Events of a stream that a client opened. */
export interface AcceptedEvents extends LinkWatcher {
  onTrailers(fields: readonly HeaderField[]): void;
  /** The last byte of the answer is out, and its end. */
  onAnswerSent(): void;
}

/** A stream that a client opened, and the ways to answer it. */
export class AcceptedStream implements StreamEvents {
  readonly head: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  /** A Link over the stream. It does not keep the request. */
  readonly link: Http2Link;
  /** True if the client ended its half with the head. */
  readonly isBodiless: boolean;
  readonly #server: Http2Server;
  readonly #stream: Http2Stream;
  #events: AcceptedEvents | undefined;

  constructor(
    server: Http2Server,
    stream: Http2Stream,
    head: RequestPseudoFields,
    fields: readonly HeaderField[],
    isBodiless: boolean,
    peer: Peer,
  ) {
    this.#server = server;
    this.#stream = stream;
    this.head = head;
    this.fields = fields;
    this.isBodiless = isBodiless;
    this.link = new Http2Link(stream, peer);
  }

  /** The bytes of the bodies. */
  get stream(): Duplex {
    return this.link.stream;
  }

  /** False once either side has closed it. */
  get isOpen(): boolean {
    return !this.#stream.isClosed;
  }

  /** The code with which it was closed; 0 for none. */
  get closeCode(): number {
    return this.#stream.closeCode;
  }

  listen(events: AcceptedEvents): void {
    this.#events = events;
    this.#stream.follow(this);
    this.link.watcher = events;
  }

  /** Removes the listeners, so that a tunnel does not keep the request. */
  release(): void {
    this.#events = undefined;
    this.#stream.follow(undefined);
    this.link.watcher = undefined;
  }

  /** Sends a 1xx answer. */
  inform(status: number, fields: readonly HeaderField[]): void {
    this.#server.inform(this.#stream, status, fields);
  }

  /** Sends the head of the answer, and the end of the stream with it if `isEnd`. */
  respond(status: number, fields: readonly HeaderField[], isEnd: boolean): void {
    this.#server.respond(this.#stream, status, fields, isEnd);
  }

  /** Sets the trailers that end the answer. */
  setTrailers(fields: readonly HeaderField[]): void {
    const trailers = toFields([], fields);
    this.link.trailers = () => trailers;
  }

  /** Closes the stream with RST_STREAM. */
  reset(code: number): void {
    this.#stream.abort(code);
  }

  onTrailers(fields: readonly HeaderField[]): void {
    this.#events?.onTrailers(fields);
  }

  onEndSent(): void {
    this.#events?.onAnswerSent();
  }

  onClose(): void {
    this.link.close();
  }
}
