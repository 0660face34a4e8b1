import { STATUS_CODES } from 'node:http';
import { Abort } from '../core/abort.ts';
import { TunlError } from '../core/errors.ts';
import type { TunnelExchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link, Peer } from '../core/link.ts';
import { bodyLink } from './body-link.ts';
import { closeStaged } from './close.ts';
import { readFraming } from './framing.ts';
import { fieldValues, formatHead, type RequestHead } from './message.ts';

/** The one exchange of an HTTP/1.1 connection. */
export class Http1Exchange implements TunnelExchange {
  readonly #link: Link;
  readonly #head: RequestHead;
  readonly #gone = new Abort();
  readonly #onClose = () => this.#gone.abort(goneError());

  constructor(link: Link, head: RequestHead) {
    this.#link = link;
    this.#head = head;
    // A paused socket goes on reading up to its high-water mark, so a reset is noticed while we dial.
    link.stream.once('close', this.#onClose);
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  get authority(): string {
    return fieldValues(this.#head.headers, 'host')[0] ?? '';
  }

  get version(): '1.0' | '1.1' {
    return this.#head.version;
  }

  get headers(): readonly HeaderField[] {
    return this.#head.headers;
  }

  get peer(): Peer {
    return this.#link.peer;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async respond(status: number, headers: readonly HeaderField[], body = ''): Promise<void> {
    this.#link.stream.off('close', this.#onClose);
    await respondAndClose(this.#link, status, headers, body);
  }

  upgrade(status: number, headers: readonly HeaderField[]): Link {
    const { stream } = this.#link;
    stream.off('close', this.#onClose);
    stream.write(formatHead(`HTTP/1.1 ${status} Connection established`, headers), 'latin1');
    return this.#link;
  }

  stream(status: number, headers: readonly HeaderField[]): Link {
    const { stream } = this.#link;
    stream.off('close', this.#onClose);
    const fields: HeaderField[] = [...headers, ['Transfer-Encoding', 'chunked'], ['Connection', 'close']];
    stream.write(formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, fields), 'latin1');
    return bodyLink(this.#link, readFraming(this.#head.headers, 'request'));
  }
}

function goneError(): TunlError {
  return new TunlError('connection_terminated', 'the client went away before its tunnel was up', { side: 'client' });
}

/**
 * Writes a whole HTTP/1.1 response and closes the connection in stages (RFC 9112, section 9.6), so
 * that the client can read it. No further request on it is ever looked at.
 */
export async function respondAndClose(
  link: Link,
  status: number,
  headers: readonly HeaderField[],
  body: string,
): Promise<void> {
  const bytes = Buffer.from(body, 'utf8');
  const fields: HeaderField[] = [
    ...headers,
    ['Connection', 'close'],
    ['Content-Length', String(bytes.length)],
    ...(bytes.length > 0 ? [['Content-Type', 'text/plain; charset=utf-8'] as const] : []),
  ];
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, fields);
  link.stream.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  await closeStaged(link);
}
