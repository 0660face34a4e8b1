import { abortReason, throwIfAborted } from '../core/deadline.ts';
import type { Pooled } from '../core/pool.ts';
import type { Call, Reply } from '../http/call.ts';

/** Sends requests over one connection. */
export interface RequestClient extends Pooled {
  call(call: Call, signal: AbortSignal): Promise<Reply>;
}

/** The whole answer to a request. */
export interface Answer {
  readonly reply: Reply;
  readonly body: readonly Buffer[];
}

/** The time, in milliseconds, for which a lane without a connection uses that of the other before it dials again. */
const borrowMs = 5000;

/**
 * Sends requests one after the other, over a connection that is replaced when it is of no use any more. While there is no
 * other to be had, as from a server that stops, it shares the connection of another lane.
 */
export class Lane {
  readonly #connect: (signal: AbortSignal) => Promise<RequestClient>;
  #client: RequestClient | undefined;
  /** The lane whose connection may be shared. */
  other: Lane | undefined;
  #borrowsUntil = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(connect: (signal: AbortSignal) => Promise<RequestClient>, first?: RequestClient) {
    this.#connect = connect;
    this.#client = first;
  }

  /** True while it shares the connection of the other lane, which a request should not occupy for long. */
  get isSharing(): boolean {
    return !this.isConnected && performance.now() < this.#borrowsUntil && this.other?.isConnected === true;
  }

  /**
   * Sends a request, and reads its whole answer.
   * @param most the most bytes of the answer
   * @param onPart called with each part of it as it comes
   * @throws {TunlError} of the dial, or of the client; the signal's reason; {Error} if the answer is cut short or too long
   */
  ask(call: Call, most: number, signal: AbortSignal, onPart?: (part: Buffer) => void): Promise<Answer> {
    if (this.isSharing && this.other) return this.other.ask(call, most, signal, onPart);
    const asking = this.#last.then(() => this.#ask(call, most, signal, onPart));
    this.#last = asking.catch(() => {});
    return asking;
  }

  /** Gives its connection up. */
  close(mode: 'drain' | 'now' = 'now'): void {
    void this.#client?.close(mode);
    this.#client = undefined;
  }

  get isConnected(): boolean {
    return this.#client?.usable === true;
  }

  async #ask(
    call: Call,
    most: number,
    signal: AbortSignal,
    onPart: ((part: Buffer) => void) | undefined,
  ): Promise<Answer> {
    throwIfAborted(signal);
    const client = await this.#ready(signal);
    const reply = await client.call(call, signal);
    return { reply, body: await readBody(reply, most, signal, onPart) };
  }

  async #ready(signal: AbortSignal): Promise<RequestClient> {
    if (this.#client?.usable) return this.#client;
    this.#client = undefined;
    let client: RequestClient;
    try {
      client = await this.#connect(signal);
    } catch (error) {
      this.#borrowsUntil = performance.now() + borrowMs;
      throw error;
    }
    if (signal.aborted) {
      void client.close('now');
      throw abortReason(signal);
    }
    this.#client = client;
    return client;
  }
}

function readBody(
  { body, cancel }: Reply,
  most: number,
  signal: AbortSignal,
  onPart: ((part: Buffer) => void) | undefined,
): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let left = most;
    const settle = (error?: Error) => {
      signal.removeEventListener('abort', onAbort);
      body.off('data', onData).off('end', onEnd).off('error', settle).off('close', onClose);
      if (!error) return resolve(parts);
      body.on('error', () => {});
      cancel(error);
      reject(error);
    };
    const onAbort = () => settle(abortReason(signal));
    const onEnd = () => settle();
    const onClose = () => settle(new Error('the answer was cut short'));
    const onData = (part: Buffer) => {
      left -= part.length;
      parts.push(part);
      if (left < 0) settle(new Error('the answer is too long'));
      else onPart?.(part);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    if (body.readableEnded) return onEnd();
    body.on('data', onData).on('end', onEnd).on('error', settle).on('close', onClose);
  });
}
