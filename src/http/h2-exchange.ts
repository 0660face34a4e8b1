import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { TunlError } from '../core/errors.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link, Peer } from '../core/link.ts';
import { toHttp2Headers } from './h2-fields.ts';
import { type Http2LinkOptions, http2Link } from './h2-stream.ts';

/** How long a refusal may wait for the client to take it, as on a connection of HTTP/1.1. */
const untakenMs = 2000;

/** One stream of a session as an exchange that may become a tunnel. */
export class Http2Exchange implements TunnelExchange {
  readonly version = '2';
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly HeaderField[];
  readonly peer: Peer;
  answered = false;
  readonly #stream: ServerHttp2Stream;
  readonly #link: Link;
  readonly #gone = new AbortController();

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    fields: readonly HeaderField[],
    peer: Peer,
    options: Http2LinkOptions,
  ) {
    this.#stream = stream;
    this.#link = http2Link(stream, peer, options, () => this.answered);
    this.peer = peer;
    this.method = String(headers[':method'] ?? '');
    this.authority = headers[':authority'] ?? headers.host ?? '';
    this.target = this.method === 'CONNECT' ? this.authority : (headers[':path'] ?? '');
    this.headers = fields;
    stream.once('close', () => {
      if (!this.answered) this.#gone.abort(goneError());
    });
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return Promise.resolve();
    this.answered = true;
    return new Promise((resolve) => {
      // A client that has no room for the answer does not want it.
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), untakenMs);
      stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      stream.once('finish', () => {
        // The request half may stay open for ever; NO_ERROR says that nothing is wrong with it
        // (RFC 9113, section 8.1).
        stream.close(constants.NGHTTP2_NO_ERROR);
      });
      stream.respond(toHttp2Headers(status, headers), { endStream: body === '' });
      stream.resume();
      if (body !== '') stream.end(body);
    });
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    this.answered = true;
    // A stream that is gone already shows itself as such to whoever uses the Link.
    if (!this.#stream.destroyed && !this.#stream.closed) {
      this.#stream.respond(toHttp2Headers(status, headers), { waitForTrailers: true });
    }
    return this.#link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    return this.upgrade(status, headers);
  }
}

function goneError(): TunlError {
  return new TunlError('connection_terminated', 'the client reset its stream before its tunnel was up', {
    side: 'client',
  });
}
