import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { HeaderField } from '../../../core/hop.ts';
import type { Link, Peer } from '../../../core/link.ts';
import type { Http2Setup } from '../setup.ts';
import type { RequestPseudoFields } from '../../../h2/head.ts';
import type { AcceptedEvents, AcceptedStream } from '../streams.ts';
import { type OnHeaders, toFields, toHttp2Headers, toHttp2Trailers } from './fields.ts';
import { http2Link } from './link.ts';

/** A stream of Node that a client opened. */
export class NodeAcceptedStream implements AcceptedStream {
  readonly head: RequestPseudoFields;
  readonly fields: readonly HeaderField[];
  readonly stream: ServerHttp2Stream;
  readonly link: Link;
  readonly #own: OwnTrailers = { fields: {} };
  #stop = () => {};

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
    peer: Peer,
    setup: Http2Setup,
  ) {
    this.stream = stream;
    this.head = readPseudoFields(headers);
    this.fields = toFields(raw);
    this.link = openLink(stream, peer, setup, this.#own);
  }

  get isBodiless(): boolean {
    return this.stream.endAfterHeaders;
  }

  get isOpen(): boolean {
    return !this.stream.destroyed && !this.stream.closed;
  }

  get closeCode(): number {
    return this.stream.rstCode ?? 0;
  }

  listen({ onTrailers, onAnswerSent, onClose }: AcceptedEvents): void {
    const { stream } = this;
    const onLast: OnHeaders = (_headers, _flags, raw) => onTrailers(toFields(raw));
    if (!this.isBodiless) stream.on('trailers', onLast);
    stream.once('wantTrailers', onAnswerSent).once('close', onClose);
    this.#stop = () => stream.off('trailers', onLast).off('wantTrailers', onAnswerSent).off('close', onClose);
  }

  release(): void {
    this.#stop();
  }

  inform(status: number, fields: readonly HeaderField[]): void {
    this.stream.additionalHeaders(toHttp2Headers(status, fields));
  }

  respond(status: number, fields: readonly HeaderField[], follows: 'nothing' | 'body' | 'body and trailers'): void {
    const options = follows === 'nothing' ? { endStream: true } : { waitForTrailers: follows === 'body and trailers' };
    this.stream.respond(toHttp2Headers(status, fields), options);
  }

  setTrailers(fields: readonly HeaderField[]): void {
    this.#own.fields = toHttp2Trailers(fields);
  }

  reset(code: number): void {
    this.stream.close(code);
  }
}

/** The trailers of an answer, which its Link sends. */
interface OwnTrailers {
  fields: OutgoingHttpHeaders;
}

/** Makes a Link that refers to its request's trailers only: a tunnel must not keep the request. */
function openLink(stream: ServerHttp2Stream, peer: Peer, setup: Http2Setup, own: OwnTrailers): Link {
  return http2Link(
    stream,
    peer,
    setup,
    () => stream.headersSent,
    () => own.fields,
  );
}

function readPseudoFields(headers: IncomingHttpHeaders): RequestPseudoFields {
  const { ':method': method = '', ':authority': authority = headers.host ?? '', ':path': path } = headers;
  const { ':scheme': scheme, ':protocol': protocol } = headers;
  return {
    method: String(method),
    authority,
    ...(path !== undefined && { path }),
    ...(scheme !== undefined && { scheme }),
    ...(protocol !== undefined && { protocol: String(protocol) }),
  };
}
