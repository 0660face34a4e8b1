import type { Duplex } from 'node:stream';
import type { HeaderField } from '../../../core/hop.ts';
import type { Peer } from '../../../core/link.ts';
import { toFields } from '../../../h2/head.ts';
import type { Http2Server } from '../../../h2/server.ts';
import type { Http2Stream } from '../../../h2/stream.ts';
import type { StreamEvents } from '../../../h2/stream-state.ts';
import type { RequestPseudoFields } from '../../../h2/head.ts';
import type { AcceptedEvents, AcceptedStream } from '../streams.ts';
import { Http2Link } from './link.ts';

/** A stream of the engine that a client opened. */
export class SessionAcceptedStream implements AcceptedStream, StreamEvents {
  readonly head: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  readonly link: Http2Link;
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

  get stream(): Duplex {
    return this.link.stream;
  }

  get isOpen(): boolean {
    return !this.#stream.isClosed;
  }

  get closeCode(): number {
    return this.#stream.closeCode;
  }

  listen(events: AcceptedEvents): void {
    this.#events = events;
    this.#stream.follow(this);
    this.link.onClose = events.onClose;
  }

  release(): void {
    this.#events = undefined;
    this.#stream.follow(undefined);
    this.link.onClose = undefined;
  }

  inform(status: number, fields: readonly HeaderField[]): void {
    this.#server.inform(this.#stream, status, fields);
  }

  respond(status: number, fields: readonly HeaderField[], follows: 'nothing' | 'body' | 'body and trailers'): void {
    // A body without trailers is one that must be empty.
    this.#server.respond(this.#stream, status, fields, follows !== 'body and trailers');
  }

  setTrailers(fields: readonly HeaderField[]): void {
    const trailers = toFields([], fields);
    this.link.trailers = () => trailers;
  }

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
