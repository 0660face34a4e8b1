import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { pumpBody } from '../body/pump.ts';
import { type Asked, type Call, type CallBody, isSuccess, maxInterim, type Reply } from '../call.ts';
import type { Http2Client, Http2Opened } from './client.ts';
import { addFields, toFields, toHttp2Trailers } from './fields.ts';

/** The types of Node do not know the third argument of its events: the fields as they came. */
type OnHeaders = (headers: IncomingHttpHeaders, flags: number, raw: readonly string[]) => void;

/**
 * Sends a request as a stream of an HTTP/2 session and resolves with the final answer, whose body is still to come.
 * @throws {TunlError} with `unprocessed` set where it is proved that the peer did not act on it, and `unanswered` when nobody knows
 */
export async function callHttp2(client: Http2Client, call: Call, asked: Asked, signal: AbortSignal): Promise<Reply> {
  throwIfAborted(signal);
  return new Http2Call(client, call, asked).run(signal);
}

/** One exchange in a session. */
class Http2Call {
  readonly #opened: Http2Opened;
  readonly #call: Call;
  readonly #asked: Asked;
  readonly #answered = new Mark();
  #isOpen = false;
  #trailers: readonly HeaderField[] = [];
  #failure: Error | undefined;
  #stopSending = () => {};
  #interim = 0;
  readonly #onInterim: OnHeaders = ({ ':status': status }, _, raw) => {
    if (++this.#interim > maxInterim) {
      this.#fail(this.#error('http_protocol_error', 'sends interim answers without end'));
    } else if (Number(status) !== 100) this.#call.onInterim?.(Number(status), toFields(raw));
  };
  readonly #onTrailers: OnHeaders = (_headers, _flags, raw) => {
    this.#trailers = toFields(raw);
  };
  readonly #onClose = () => this.#stopSending();
  readonly #onEnd = () => this.#endReply();

  constructor(client: Http2Client, call: Call, asked: Asked) {
    const { body, opens, onInterim } = call;
    this.#call = call;
    this.#asked = asked;
    if (opens?.kind === 'upgrade' && !client.takesExtendedConnect) {
      throw this.#error('http_upgrade_failed', 'takes no other protocols in HTTP/2 (RFC 8441)');
    }
    this.#opened = this.#open(client);
    const { stream } = this.#opened;
    if (onInterim) stream.on('headers', this.#onInterim);
    stream.on('trailers', this.#onTrailers);
    stream.once('close', this.#onClose).once('end', this.#onEnd);
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
        ...(body && { trailers: () => toHttp2Trailers(body.trailers()) }),
        isAnswered: this.#answered.read,
      });
    } catch (error) {
      if (error instanceof TunlError) throw this.#toLoss(error);
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
    const { opens } = this.#call;
    this.#answered.isSet = true;
    this.#isOpen = opens?.isAccepted?.(status) ?? (opens !== undefined && isSuccess(status));
    // What is open lives long, and nothing of the exchange with it.
    if (this.#isOpen) {
      stream.off('headers', this.#onInterim).off('trailers', this.#onTrailers);
      stream.off('close', this.#onClose).off('end', this.#onEnd);
    }
    // An orderly end: a reset would count against the session.
    else if (opens) stream.end();
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
    this.#stopSending();
    if (!this.#opened.stream.writableEnded) this.#opened.cancel();
  }

  #toLoss({ code, facts, message }: TunlError): TunlError {
    const { name, what, side, phase } = this.#asked;
    const answer = what === undefined ? 'did not answer' : `did not answer ${what}`;
    return new TunlError(code, `${name} ${answer}: ${message}`, { ...facts, side, phase });
  }

  #error(code: TunlError['code'], what: string, more: TunlError['facts'] = {}): TunlError {
    const { name, side, phase } = this.#asked;
    return new TunlError(code, `${name} ${what}`, { side, phase, ...more });
  }
}

/** What a stream asks of its exchange for as long as it lives, without keeping it. */
class Mark {
  isSet = false;
  readonly read = () => this.isSet;
}

function formatPseudo({ method, target, authority, scheme, headers, opens }: Call): OutgoingHttpHeaders {
  if (opens?.kind === 'connect') return addFields({ ':method': 'CONNECT', ':authority': authority }, headers);
  const place = { ':scheme': scheme, ':authority': authority, ':path': target };
  if (opens?.kind !== 'upgrade') return addFields({ ':method': method, ...place }, headers);
  return addFields({ ':method': 'CONNECT', ':protocol': opens.protocol, ...place }, headers);
}
