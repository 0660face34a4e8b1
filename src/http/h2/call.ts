import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { pumpBody } from '../body/pump.ts';
import { type Asked, type Call, type CallBody, isSuccess, maxInterim, type Reply } from '../call.ts';
import type { RequestPseudoFields } from '../../h2/head.ts';
import { nudge } from './nudge.ts';
import type { ClientSession } from './sessions/client.ts';
import type { OpenedStream } from './sessions/opened.ts';

/**
 * Sends a request as a stream of an HTTP/2 session and resolves with the final answer, whose body is still to come.
 * @throws {TunlError} with `unprocessed` set where it is proved that the peer did not act on it, and `unanswered` when nobody knows
 */
export async function callHttp2(client: ClientSession, call: Call, asked: Asked, signal: AbortSignal): Promise<Reply> {
  throwIfAborted(signal);
  return new Http2Call(client, call, asked).run(signal);
}

/** One exchange in a session. */
class Http2Call {
  readonly #opened: OpenedStream;
  readonly #call: Call;
  readonly #asked: Asked;
  readonly #client: ClientSession;
  #isOpen = false;
  #trailers: readonly HeaderField[] = [];
  #failure: Error | undefined;
  #stopSending = () => {};
  #interim = 0;
  /** Ends the wait for the answer. */
  #settle: ((act: () => void) => void) | undefined;
  #resolve: (reply: Reply) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(client: ClientSession, call: Call, asked: Asked) {
    const { body, opens, onInterim } = call;
    this.#call = call;
    this.#asked = asked;
    this.#client = client;
    if (opens?.kind === 'upgrade' && !client.takesExtendedConnect) {
      throw this.#error('http_upgrade_failed', 'takes no other protocols in HTTP/2 (RFC 8441)');
    }
    this.#opened = this.#open(client);
    this.#opened.listen({
      ...(onInterim && { onInterim: (status, fields) => this.#passInterim(status, fields, onInterim) }),
      onResponse: (status, fields) => this.#settle?.(() => this.#resolve(this.#toReply(status, fields))),
      onTrailers: (fields) => (this.#trailers = fields),
      onEnd: () => this.#endReply(),
      onClose: () => {
        this.#stopSending();
        this.#settle?.(() => this.#reject(this.#failure ?? this.#toLoss(this.#opened.explainLoss())));
      },
    });
    if (body) this.#send(body);
  }

  run(signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onAbort = () =>
        this.#settle?.(() => {
          this.#opened.cancel();
          reject(abortReason(signal));
        });
      this.#resolve = resolve;
      this.#reject = reject;
      this.#settle = (act) => {
        this.#settle = undefined;
        signal.removeEventListener('abort', onAbort);
        stopNudging?.();
        act();
      };
      // Bytes of a tunnel wait for the answer, and the answer must not wait for them.
      const stopNudging = this.#call.opens?.kind === 'bodies' ? nudge(() => this.#client.nudge()) : undefined;
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #open(client: ClientSession): OpenedStream {
    const { body, opens, headers } = this.#call;
    try {
      return client.open(toPseudoFields(this.#call), headers, {
        ...(!body && !opens && { bodiless: true }),
        ...(body && { trailers: () => body.trailers() }),
      });
    } catch (error) {
      if (error instanceof TunlError) throw error.code === 'http_request_error' ? error : this.#toLoss(error);
      throw this.#error('http_response_incomplete', 'takes no more requests in its session', {
        unprocessed: true,
        cause: error,
      });
    }
  }

  #passInterim(status: number, fields: readonly HeaderField[], onInterim: NonNullable<Call['onInterim']>): void {
    if (++this.#interim > maxInterim) {
      this.#fail(this.#error('http_protocol_error', 'sends interim answers without end'));
    } else if (status !== 100) onInterim(status, fields);
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

  #toReply(status: number, fields: readonly HeaderField[]): Reply {
    const opened = this.#opened;
    const { link } = opened;
    const { opens } = this.#call;
    this.#isOpen = opens?.isAccepted?.(status) ?? (opens !== undefined && isSuccess(status));
    // A tunnel lives long and must not keep its exchange.
    if (this.#isOpen) opened.release();
    // An orderly end: a reset would count against the session.
    else if (opens) opened.stream.end();
    return {
      status,
      headers: fields,
      get body() {
        return opened.stream;
      },
      ...(this.#isOpen && { link }),
      trailers: () => this.#trailers,
      cancel: (error) => {
        this.#stopSending();
        if (this.#isOpen) link.reset(error);
        else opened.cancel();
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

function toPseudoFields({ method, target, authority, scheme, opens }: Call): RequestPseudoFields {
  if (opens?.kind === 'connect') return { method: 'CONNECT', authority };
  if (opens?.kind !== 'upgrade') return { method, scheme, authority, path: target };
  return { method: 'CONNECT', protocol: opens.protocol, scheme, authority, path: target };
}
