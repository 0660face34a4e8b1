import type { Duplex } from 'node:stream';
import { Abort } from '../../core/abort.ts';
import { lateRequest, requestLimit } from '../../core/deadline.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Link } from '../../core/link.ts';
import { closeStaged } from './close.ts';
import type { Http1Next, NextReceiver } from './next.ts';
import { Http1Request, type Http1RequestTerms } from './request.ts';
import { type HeadReceiver, readHeadOf } from '../wire/head.ts';
import { parseRequestHead } from '../wire/message.ts';
import { type AnswerFault, refuseHead } from './refuse-head.ts';

/** Limits for serving an HTTP/1.1 connection. Times are in milliseconds; 0 means no limit. */
export interface Http1Setup {
  /** The time for a head, from its first byte; for the first head, from the start of the connection. */
  readonly headMs: number;
  /** The time that the connection may wait for the next request. */
  readonly keepAliveMs: number;
  readonly maxHeadBytes: number;
  /** The longest line of a head, in bytes; a longer request line is answered with 414, another longer line with 431. */
  readonly maxLineBytes: number;
}

/** The limits of one connection, with the terms of its requests. */
export interface Http1ServerSetup extends Http1Setup, Http1RequestTerms {
  /** Tells whether the exchange that is about to be answered is the last; `isHeld`: not because the program stops. */
  readonly isLast: (isHeld: boolean) => boolean;
  /** Makes the answer to what cannot be read; absent for the usual one. */
  readonly answerFault?: AnswerFault | undefined;
  /** Set if a first head with exactly these bytes makes this a connection of another kind, for which `onOther` is called. */
  readonly other?: Buffer | undefined;
}

/** Receives the requests of a connection, and its end. */
export interface Http1Events {
  readonly onRequest: (request: Exchange) => void;
  /** The connection has no more requests, or is no longer ours. */
  readonly onOver: () => void;
  /** The client did not send a request that can be served, and has been answered. */
  readonly onFault: (error: unknown) => void;
  /** The first head is that of another protocol, and is in the stream again. */
  readonly onOther?: () => void;
}

/**
 * Serves the requests of an HTTP/1.1 connection one after the other: it reads the next head only when the previous
 * exchange is over. When `draining` aborts, a connection that has not sent a request is closed, and the current exchange
 * is the last.
 */
export function serveHttp1(link: Link, setup: Http1ServerSetup, draining: AbortSignal, events: Http1Events): void {
  new Http1Connection(link, setup, draining, events).readHead(draining);
}

class Http1Connection implements HeadReceiver, NextReceiver {
  readonly #link: Link;
  readonly #setup: Http1ServerSetup;
  readonly #draining: AbortSignal;
  readonly #events: Http1Events;
  #isFirst = true;
  /** It carries parts of tunnels, which go on while the program stops. */
  #isHeld = false;

  constructor(link: Link, setup: Http1ServerSetup, draining: AbortSignal, events: Http1Events) {
    this.#link = link;
    this.#setup = setup;
    this.#draining = draining;
    this.#events = events;
  }

  get isLast(): boolean {
    return this.#setup.isLast(this.#isHeld);
  }

  readHead(signal: AbortSignal): void {
    const { headMs, maxHeadBytes, maxLineBytes } = this.#setup;
    const late = { limit: requestLimit(headMs), what: lateRequest };
    readHeadOf(this.#link, maxHeadBytes, signal, { lineBytes: maxLineBytes, late }, this);
  }

  onHead(bytes: Buffer): void {
    const { other } = this.#setup;
    if (this.#isFirst && other && bytes.equals(other)) {
      this.#link.stream.unshift(bytes);
      return this.#events.onOther?.();
    }
    this.#isFirst = false;
    let request: Http1Request;
    try {
      request = new Http1Request(this.#link, parseRequestHead(bytes), this.#setup, this);
    } catch (error) {
      return this.onFault(error);
    }
    this.#events.onRequest(request);
  }

  onFault(error: unknown): void {
    refuseHead(this.#link, this.#draining, error, this.#setup.answerFault).then(
      this.#events.onFault,
      this.#events.onFault,
    );
  }

  onHold(): void {
    this.#isHeld = true;
  }

  onNext(next: Http1Next): void {
    if (next === 'nothing') this.#events.onOver();
    else void this.#goOn(next);
  }

  async #goOn(next: 'request' | 'close'): Promise<void> {
    // Not in the call that ends the exchange.
    await Promise.resolve();
    const draining = this.#isHeld ? new Abort().signal : this.#draining;
    const isThere =
      next === 'request' &&
      !draining.aborted &&
      (await waitForBytes(this.#link.stream, this.#setup.keepAliveMs, draining));
    // If draining starts while a head arrives, we still serve that request, as the last one.
    if (isThere) return this.readHead(new Abort().signal);
    await closeStaged(this.#link);
    this.#events.onOver();
  }
}

/**
 * Waits for the first byte of another request and leaves it in the stream. Resolves with false if there will be none.
 */
function waitForBytes(stream: Duplex, limitMs: number, draining: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isThere: boolean) => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', onNothing).off('close', onNothing).off('drain', start);
      draining.removeEventListener('abort', onNothing);
      stream.pause();
      resolve(isThere);
    };
    const onNothing = () => settle(false);
    const onData = (chunk: Buffer) => {
      settle(true);
      stream.unshift(chunk);
    };
    const start = () => {
      if (stream.readableLength > 0) return settle(true);
      if (stream.readableEnded) return onNothing();
      stream.on('data', onData).on('end', onNothing);
      stream.resume();
    };
    const timer = limitMs > 0 ? setTimeout(onNothing, limitMs) : undefined;
    if (stream.destroyed || draining.aborted) return onNothing();
    stream.on('close', onNothing);
    draining.addEventListener('abort', onNothing, { once: true });
    // A client that does not read its answers gets no more of them: they would pile up here.
    if (stream.writableNeedDrain) stream.once('drain', start);
    else start();
  });
}
