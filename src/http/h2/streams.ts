import type { Duplex } from 'node:stream';
import type { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import type { RequestPseudoFields } from '../../h2/head.ts';

/** Events of a stream that we opened. */
export interface OpenedEvents {
  /** A 1xx answer; absent if nobody listens to them. */
  readonly onInterim?: (status: number, fields: readonly HeaderField[]) => void;
  readonly onResponse: (status: number, fields: readonly HeaderField[]) => void;
  readonly onTrailers: (fields: readonly HeaderField[]) => void;
  readonly onEnd: () => void;
  readonly onClose: () => void;
}

/** A stream that carries a request of ours, and the ways to end it. */
export interface OpenedStream {
  /** The bytes of the bodies. They are kept until somebody reads them. */
  readonly stream: Duplex;
  /** A Link over the stream, whose reset is that of a tunnel. */
  readonly link: Link;
  listen(events: OpenedEvents): void;
  /** Removes the listeners, so that a long-lived stream does not keep their owner. */
  release(): void;
  /** Gives the exchange up: nobody wants the answer any more. */
  cancel(): void;
  /** Says why there was no answer, once the stream is closed. */
  explainLoss(): TunlError;
}

/** How a stream is opened. */
export interface OpenOptions {
  /** Ends our half with the head. */
  readonly bodiless?: true;
  /** Gives the trailers once the body is over. */
  readonly trailers?: () => readonly HeaderField[];
}

/** An HTTP/2 session that we opened as a client. */
export interface ClientSession {
  /** Streams that may be open at a time. */
  readonly capacity: number;
  /** Streams that are open. */
  readonly load: number;
  /** False once no more streams can be opened. */
  readonly usable: boolean;
  /** The settings that the peer announced, for `-v`. */
  readonly settings: string;
  /** True if the peer takes other protocols by CONNECT (RFC 8441). */
  readonly takesExtendedConnect: boolean;
  /**
   * Opens a stream with the head of a request. Without `bodiless` our half stays open.
   * @throws {TunlError} with `unprocessed` set if the session takes no more; http_request_error for fields that HTTP/2 forbids
   */
  open(head: RequestPseudoFields, fields: readonly HeaderField[], options: OpenOptions): OpenedStream;
  /** `drain` lets open streams finish. Resolves once the session is over. */
  close(mode: 'drain' | 'now'): Promise<void>;
}

/** Events of a stream that a client opened. */
export interface AcceptedEvents {
  readonly onTrailers: (fields: readonly HeaderField[]) => void;
  /** The last byte of the answer is out; its trailers are asked for next. */
  readonly onAnswerSent: () => void;
  readonly onClose: () => void;
}

/** A stream that a client opened, and the ways to answer it. */
export interface AcceptedStream {
  readonly head: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  /** The bytes of the bodies. */
  readonly stream: Duplex;
  /** A Link over the stream. It does not keep the request. */
  readonly link: Link;
  /** True if the client ended its half with the head. */
  readonly isBodiless: boolean;
  /** False once either side has closed it. */
  readonly isOpen: boolean;
  /** The code with which it was closed; 0 for none. */
  readonly closeCode: number;
  listen(events: AcceptedEvents): void;
  /** Removes the listeners, so that a tunnel does not keep the request. */
  release(): void;
  /** Sends a 1xx answer. */
  inform(status: number, fields: readonly HeaderField[]): void;
  /** Sends the head of the answer: the end of the stream with it, or later with trailers or without. */
  respond(status: number, fields: readonly HeaderField[], follows: 'nothing' | 'body' | 'body and trailers'): void;
  /** Sets the trailers that end the answer. */
  setTrailers(fields: readonly HeaderField[]): void;
  /** Closes the stream with RST_STREAM. */
  reset(code: number): void;
}
