import type { Readable } from 'node:stream';
import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { pumpBody } from '../body/pump.ts';
import { type Asked, type Call, type CallBody, isSuccess, maxInterim, type Reply } from '../call.ts';
import type { RequestPseudoFields } from '../../h2/head.ts';
import { nudge } from './nudge.ts';
import type { ClientSession } from './sessions/client.ts';
import type { OpenedEvents, OpenedStream } from './sessions/opened.ts';

/**
 * Sends a request as a stream of an HTTP/2 session and resolves with the final answer, whose body is still to come.
 * @throws {TunlError} with `unprocessed` set where it is proved that the peer did not act on it, and `unanswered` when nobody knows
 */
export function callHttp2(client: ClientSession, call: Call, asked: Asked, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal);
    new Http2Call(client, call, asked, { signal, resolve, reject }).start();
  });
}

/** Whoever waits for an answer, until the signal aborts. */
interface Waiting {
  readonly signal: AbortSignal;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** One exchange in a session: the request, and the reply to it once that has come. */
class Http2Call implements OpenedEvents, Reply {
  status = 0;
  headers: readonly HeaderField[] = [];
  declare link?: Link;
  readonly #opened: OpenedStream;
  readonly #call: Call;
  readonly #asked: Asked;
  readonly #client: ClientSession;
  /** Present until the answer has come, or the wait for it is over. */
  #waiting: Waiting | undefined;
  #trailers: readonly HeaderField[] = [];
  #failure: Error | undefined;
  #stopSending: (() => void) | undefined;
  #stopNudging: (() => void) | undefined;
  #interim = 0;

  constructor(client: ClientSession, call: Call, asked: Asked, waiting: Waiting) {
    this.#call = call;
    this.#asked = asked;
    this.#client = client;
    this.#waiting = waiting;
    if (call.opens?.kind === 'upgrade' && !client.takesExtendedConnect) {
      throw this.#error('http_upgrade_failed', 'takes no other protocols in HTTP/2 (RFC 8441)');
    }
    this.#opened = this.#open(client);
  }

  /** Sends the body, if there is one, and waits for the answer. */
  start(): void {
    const { body, opens } = this.#call;
    this.#opened.listen(this);
    if (body) this.#send(body);
    // Bytes of a tunnel wait for the answer, and the answer must not wait for them.
    if (opens?.kind === 'bodies') this.#stopNudging = nudge(() => this.#client.nudge());
    this.#waiting?.signal.addEventListener('abort', this, { once: true });
  }

  get body(): Readable {
    return this.#opened.stream;
  }

  trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  cancel(error: Error): void {
    this.#stopSending?.();
    if (this.link) this.link.reset(error);
    else this.#opened.cancel();
  }

  onInterim(status: number, fields: readonly HeaderField[]): void {
    const { onInterim } = this.#call;
    if (!onInterim) return;
    if (++this.#interim > maxInterim) {
      this.#fail(this.#error('http_protocol_error', 'sends interim answers without end'));
    } else if (status !== 100) onInterim(status, fields);
  }

  onResponse(status: number, fields: readonly HeaderField[]): void {
    const waiting = this.#endWait();
    if (!waiting) return;
    const { opens, onTrailers } = this.#call;
    this.status = status;
    this.headers = fields;
    if (opens?.isAccepted?.(status) ?? (opens !== undefined && isSuccess(status))) {
      this.link = this.#opened.link;
      // A tunnel lives long and must not keep its exchange.
      this.#opened.release(onTrailers);
      // An orderly end: a reset would count against the session.
    } else if (opens) this.#opened.stream.end();
    waiting.resolve(this);
  }

  onTrailers(fields: readonly HeaderField[]): void {
    this.#trailers = fields;
  }

  /** An answer that came early: nobody waits for the rest of the request. */
  onEnd(): void {
    this.#stopSending?.();
    if (!this.#opened.stream.writableEnded) this.#opened.cancel();
  }

  onClose(): void {
    this.#stopSending?.();
    this.#endWait()?.reject(this.#failure ?? this.#toLoss(this.#opened.explainLoss()));
  }

  /** Whoever waits has given up. */
  handleEvent(): void {
    const waiting = this.#endWait();
    if (!waiting) return;
    this.#opened.cancel();
    waiting.reject(abortReason(waiting.signal));
  }

  /** Ends the wait for the answer; returns whoever waits, the first time. */
  #endWait(): Waiting | undefined {
    const waiting = this.#waiting;
    if (!waiting) return undefined;
    this.#waiting = undefined;
    waiting.signal.removeEventListener('abort', this);
    this.#stopNudging?.();
    return waiting;
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

  #send(body: CallBody): void {
    const { stream } = this.#opened;
    this.#stopSending = pumpBody(body.source, {
      stream,
      pauses: body.pauses,
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
