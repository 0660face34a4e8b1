import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { abortReason, throwIfAborted } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { pumpBody } from './body-pump.ts';
import { type Call, type CallBody, maxInterim, type Reply } from './call.ts';
import type { Http2Client, Http2Opened } from './h2-client.ts';
import { addFields, toFields, toHttp2Trailers } from './h2-fields.ts';

/** The types of Node do not know the third argument of its events: the fields as they came. */
type OnHeaders = (headers: IncomingHttpHeaders, flags: number, raw: readonly string[]) => void;

/**
 * Sends a request as a stream of an HTTP/2 session and resolves with the final answer, whose body is still to come.
 * `name` is who is on the other side, for messages.
 * @throws {TunlError} with `unprocessed` set where it is proved that the peer did not act on it, and `unanswered` when nobody knows
 */
export async function callHttp2(client: Http2Client, call: Call, name: string, signal: AbortSignal): Promise<Reply> {
  throwIfAborted(signal);
  return new Http2Call(client, call, name).run(signal);
}

/** One exchange in a session. */
class Http2Call {
  readonly #opened: Http2Opened;
  readonly #call: Call;
  readonly #name: string;
  #isAnswered = false;
  #isOpen = false;
  #trailers: readonly HeaderField[] = [];
  #failure: Error | undefined;
  #stopSending = () => {};

  constructor(client: Http2Client, call: Call, name: string) {
    const { body, opens, onInterim } = call;
    this.#call = call;
    this.#name = name;
    if (opens?.kind === 'upgrade' && !client.takesExtendedConnect) {
      throw this.#error('http_upgrade_failed', 'takes no other protocols in HTTP/2 (RFC 8441)');
    }
    this.#opened = this.#open(client);
    const { stream } = this.#opened;
    let interim = 0;
    const onHeaders: OnHeaders = ({ ':status': status }, _, raw) => {
      if (++interim > maxInterim) this.#fail(this.#error('http_protocol_error', 'sends interim answers without end'));
      else if (Number(status) !== 100) onInterim(Number(status), toFields(raw));
    };
    const onTrailers: OnHeaders = (_headers, _flags, raw) => {
      this.#trailers = toFields(raw);
    };
    stream.on('headers', onHeaders).on('trailers', onTrailers);
    stream.once('close', () => this.#stopSending());
    stream.once('end', () => this.#endReply());
    if (body) this.#send(body);
  }

  run(signal: AbortSignal): Promise<Reply> {
    const { stream, cancel, explainLoss } = this.#opened;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        stream.off('response', onResponse).off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onResponse: OnHeaders = ({ ':status': status }, _, raw) =>
        settle(() => resolve(this.#toReply(Number(status), raw)));
      const onClose = () => settle(() => reject(this.#failure ?? this.#toLoss(explainLoss())));
      const onAbort = () =>
        settle(() => {
          cancel();
          reject(abortReason(signal));
        });
      stream.once('response', onResponse).once('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #open(client: Http2Client): Http2Opened {
    const { body, opens } = this.#call;
    try {
      return client.open(formatPseudo(this.#call), {
        ...(!body && !opens && { bodiless: true }),
        trailers: () => toHttp2Trailers(body?.trailers() ?? []),
        isAnswered: () => this.#isAnswered,
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Fields that are there twice and must not be: who reads them could take either.
      const isBroken = code?.startsWith('ERR_HTTP2_HEADER') || code?.startsWith('ERR_HTTP2_INVALID_HEADER');
      if (isBroken)
        throw new TunlError('http_request_error', 'the request has fields that HTTP/2 does not take', {
          side: 'client',
          phase: 'request',
          cause: error,
        });
      throw this.#error('http_response_incomplete', 'takes no more requests in its session', {
        unprocessed: true,
        cause: error,
      });
    }
  }

  #send(body: CallBody): void {
    const { stream } = this.#opened;
    this.#stopSending = pumpBody(body.source, {
      stream,
      write: (chunk) => {
        body.isTaken = true;
        return stream.write(chunk);
      },
      onEnd: () => void stream.end(),
      onError: (error) => this.#fail(error),
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#opened.cancel();
  }

  #toReply(status: number, raw: readonly string[]): Reply {
    const { stream, link, cancel } = this.#opened;
    this.#isAnswered = true;
    this.#isOpen = this.#call.opens !== undefined && status >= 200 && status < 300;
    // Node would let a stream that nobody reads run dry when it is closed.
    stream.pause();
    return {
      status,
      headers: toFields(raw),
      body: stream,
      ...(this.#isOpen && { link }),
      trailers: () => this.#trailers,
      cancel: (error) => {
        this.#stopSending();
        if (this.#isOpen) link.reset(error);
        else cancel();
      },
    };
  }

  /** An answer that came early: nobody waits for the rest of the request. */
  #endReply(): void {
    if (this.#isOpen) return;
    this.#stopSending();
    if (!this.#opened.stream.writableEnded) this.#opened.cancel();
  }

  #toLoss(loss: TunlError): TunlError {
    const { unprocessed = false, unanswered = false } = loss.facts;
    return this.#error(loss.code, `did not answer: ${loss.message}`, { unprocessed, unanswered, cause: loss });
  }

  #error(code: TunlError['code'], what: string, facts: TunlError['facts'] = {}): TunlError {
    return new TunlError(code, `${this.#name} ${what}`, { side: 'target', phase: 'relay', ...facts });
  }
}

function formatPseudo({ method, target, authority, scheme, headers, opens }: Call): OutgoingHttpHeaders {
  if (opens?.kind === 'connect') return addFields({ ':method': 'CONNECT', ':authority': authority }, headers);
  const place = { ':scheme': scheme, ':authority': authority, ':path': target };
  if (!opens) return addFields({ ':method': method, ...place }, headers);
  return addFields({ ':method': 'CONNECT', ':protocol': opens.protocol, ...place }, headers);
}
