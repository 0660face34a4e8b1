import type { Duplex } from 'node:stream';
import { Abort } from '../../core/abort.ts';
import type { Limit } from '../../core/deadline.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Link } from '../../core/link.ts';
import { closeStaged } from './close.ts';
import { Http1Request, type Http1RequestTerms } from './request.ts';
import { readHead } from '../wire/head.ts';
import { parseRequestHead } from '../wire/message.ts';
import { refuseHead } from './refuse-head.ts';

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
export interface Http1ServerSetup extends Http1Setup, Http1RequestTerms {}

/**
 * Serves the requests of an HTTP/1.1 connection one after the other: it reads the next head only when the previous
 * exchange is over. `first` is a head that has been read already. When `draining` aborts, the current exchange is the
 * last.
 * @throws {TunlError} if the client did not send a request that can be served; the client has been answered by then
 */
export async function serveHttp1(
  link: Link,
  setup: Http1ServerSetup,
  draining: AbortSignal,
  onRequest: (request: Exchange) => void,
  first: Buffer,
): Promise<void> {
  for (let bytes: Buffer | undefined = first; bytes; bytes = await readNextHead(link, setup, draining)) {
    let request: Http1Request;
    try {
      request = new Http1Request(link, parseRequestHead(bytes), setup);
    } catch (error) {
      throw await refuseHead(link, draining, error);
    }
    onRequest(request);
    const next = await request.next;
    if (next === 'nothing') return;
    if (next === 'close' || draining.aborted) break;
  }
  await closeStaged(link);
}

/**
 * Reads the first head of a connection.
 * @throws {TunlError} after the client was answered, or reset if it does not wait for an answer
 */
export async function readFirstHead(link: Link, setup: Http1Setup, draining: AbortSignal): Promise<Buffer> {
  try {
    return await readLimited(link.stream, setup, draining);
  } catch (error) {
    throw await refuseHead(link, draining, error);
  }
}

/** Reads the next head; returns `undefined` if there is none, which is not an error. */
async function readNextHead(link: Link, setup: Http1Setup, draining: AbortSignal): Promise<Buffer | undefined> {
  if (!(await waitForBytes(link.stream, setup.keepAliveMs, draining))) return undefined;
  // If draining starts while a head arrives, we still serve that request, as the last one.
  return readFirstHead(link, setup, new Abort().signal);
}

function readLimited(
  stream: Duplex,
  { headMs, maxHeadBytes, maxLineBytes }: Http1Setup,
  signal: AbortSignal,
): Promise<Buffer> {
  const limit: Limit = { ms: headMs, phase: 'request', option: '--handshake-timeout', code: 'http_request_error' };
  const late = { limit, what: 'the client did not send its request' };
  return readHead(stream, maxHeadBytes, signal, { lineBytes: maxLineBytes, late });
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
