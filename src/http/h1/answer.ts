import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HeaderField } from '../../core/hop.ts';
import { Answer, type AnswerEvents, readEndToEnd, readLength } from '../exchange/answer.ts';
import { chunkHead, lastChunk } from '../wire/chunked.ts';
import { formatHead } from '../wire/message.ts';

/** The head of an answer, and the facts that decide how it is written. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /** Whether the connection closes after the answer. */
  readonly closes: boolean;
  readonly request: { readonly method: string; readonly version: '1.0' | '1.1' };
}

/**
 * Writes an answer in HTTP/1.1: the head at once, then the body with a length, in chunks, or up to the end of the
 * connection.
 */
export class Http1Answer extends Answer {
  /** True if the end of the connection marks the end of the body. */
  readonly endsConnection: boolean;
  readonly #isChunked: boolean;

  /** @throws {TunlError} http_protocol_error; nothing has been written then */
  constructor(stream: Duplex, head: AnswerHead, events: AnswerEvents) {
    const { status, request } = head;
    const fields = readEndToEnd(head.headers);
    const length = readLength(request.method, status, fields);
    super(stream, length, events);
    this.endsConnection = length.kind === 'open' && request.version === '1.0';
    this.#isChunked = length.kind === 'open' && request.version === '1.1';
    if (stream.destroyed) return;
    // Corked, so that the head and the first bytes of the body share a packet if those come at once.
    stream.cork();
    process.nextTick(() => stream.uncork());
    stream.write(this.#formatHead(head, fields), 'latin1');
  }

  protected override writePayload(parts: readonly Buffer[], bytes: number): boolean {
    const stream = this.target;
    stream.cork();
    if (this.#isChunked) stream.write(chunkHead(bytes), 'latin1');
    let hasRoom = true;
    for (const part of parts) hasRoom = stream.write(part);
    if (this.#isChunked) hasRoom = stream.write('\r\n', 'latin1');
    stream.uncork();
    return hasRoom;
  }

  protected override writeEnd(trailers: readonly HeaderField[]): void {
    if (this.endsConnection) this.target.end();
    if (this.#isChunked) this.target.write(trailers.length > 0 ? formatHead('0', trailers) : lastChunk, 'latin1');
  }

  #formatHead({ status, closes }: AnswerHead, fields: readonly HeaderField[]): string {
    // A 204 has no Content-Length (RFC 9110, section 8.6).
    const kept = status === 204 ? fields.filter(([name]) => name.toLowerCase() !== 'content-length') : fields;
    return formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, [
      ...kept,
      ...(this.#isChunked ? [['Transfer-Encoding', 'chunked'] as const] : []),
      ...(closes || this.endsConnection ? [['Connection', 'close'] as const] : []),
    ]);
  }
}
