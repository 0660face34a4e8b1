import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { abortReason, throwIfAborted } from '../core/deadline.ts';
import { guardStream, type Link, type Peer, type TlsFacts } from '../core/link.ts';
import { runAfterFin } from '../core/socket-link.ts';
import { closedError, explainTlsError, type TlsSide } from './failure.ts';
import { explainFalseEnd } from './false-end.ts';
import { formatName } from './names.ts';
import { readPeerCertificate } from './peer-certificate.ts';
import { Underlay } from './underlay.ts';

/** A TLS socket with what it is laid on. */
export interface Overlay {
  readonly socket: TLSSocket;
  readonly below: Link;
  /** What `layUnder` gave for `below`. */
  readonly under: Duplex;
  readonly side: TlsSide;
}

/** Facts that a handshake has proved, beside those that the socket tells. */
export type ProvenFacts = Pick<Peer, 'identity'> & Pick<TlsFacts, 'trusting'>;

/** Methods of Node's streams and TLS sockets that are replaced on one socket. */
interface Hooks {
  _destroy(error: Error | null, done: (error?: Error | null) => void): void;
  _emitTLSError(error: Error): void;
  push(chunk: unknown): boolean;
}

/** @throws {TunlError} when there is no point in starting a handshake */
export function assertUsable({ stream }: Link, side: TlsSide, signal: AbortSignal): void {
  throwIfAborted(signal);
  if (stream.destroyed || stream.readableEnded) throw closedError(side, stream.errored ?? undefined);
}

/**
 * The stream to hand to `node:tls`: a bare socket as it is, so that no byte passes JavaScript below TLS.
 * Node would treat a TLS socket likewise, but the handshake then hangs where a stream is below that one.
 */
export function layUnder(link: Link): Duplex {
  const { stream } = link;
  const isBareSocket = Boolean((stream as { _handle?: unknown })._handle) && !(stream instanceof TLSSocket);
  return isBareSocket ? stream : new Underlay(link);
}

/** Makes a new TLS socket safe to wait on: half-open, and without an unhandled `'error'`. */
export function prepareSocket({ socket, side }: Overlay): void {
  guardStream(socket);
  // Node takes it from the stream below, and otherwise ends our half with the other one.
  socket.allowHalfOpen = true;
  // Node emits an error of OpenSSL in OpenSSL's words, or not at all, and leaves the socket open.
  hooksOf(socket)._emitTLSError = (error) => void socket.destroy(explainTlsError(error, side) ?? error);
}

/**
 * Waits until the handshake is done. `event` is the one by which Node says so on this side.
 * @throws {Error} what ended it; `closedError` or the signal's reason where nothing else did
 */
export function completeHandshake(
  overlay: Overlay,
  event: 'secureConnect' | 'secure',
  signal: AbortSignal,
): Promise<void> {
  const { socket, under, side } = overlay;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off(event, onDone).off('error', onError).off('end', onClosed).off('close', onClosed);
      under.off('end', onClosed);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    // Node says so from inside OpenSSL, where resetting the connection would free what is still in use.
    const onDone = () => void setImmediate(() => settle(resolve));
    const onError = (error: Error) => settle(() => reject(error));
    const onClosed = () => settle(() => reject(closedError(side)));
    const onAbort = () => settle(() => reject(abortReason(signal)));
    socket.on(event, onDone).on('error', onError).on('end', onClosed).on('close', onClosed);
    // Had the end been read before TLS was laid on, TLS would wait for it for ever.
    under.on('end', onClosed);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * From here on an error of the TLS socket resets the Link below. Destroyed by itself it would close that
 * one in good order, and the peer would take it for the end of the bytes.
 */
export function resetBelowOnError({ socket, below, under, side }: Overlay): void {
  const hooks = hooksOf(socket);
  const { _destroy: destroy } = hooks;
  hooks._destroy = (error, done) => {
    if (!error) return destroy.call(socket, error, done);
    if (under instanceof Underlay) below.reset(error);
    else resetInsteadOfDestroy(under, () => below.reset(error));
    destroy.call(socket, explainTlsError(error, side) ?? error, done);
  };
}

/**
 * Node closes a TLS socket by destroying the one below and waiting for its `'close'`. Had that one been
 * reset first, Node would free what OpenSSL may still be using, and emit `'close'` before `'error'`.
 */
function resetInsteadOfDestroy(under: Duplex, reset: () => void): void {
  const own = under as { destroy?: Duplex['destroy'] };
  own.destroy = () => {
    delete own.destroy;
    reset();
    return under;
  };
}

/**
 * The Link over an established TLS socket. Ending its stream sends close_notify and a FIN and leaves the
 * other half open. An end of the stream below without close_notify is an error, except where that is the
 * FIN of a bare socket.
 */
export function overlayLink({ socket, below, under, side }: Overlay, { trusting, ...facts }: ProvenFacts = {}): Link {
  const hooks = hooksOf(socket);
  const { push } = hooks;
  hooks.push = (chunk) => {
    const failure = chunk === null ? explainFalseEnd(socket, under, side) : undefined;
    if (!failure) return push.call(socket, chunk);
    socket.destroy(failure);
    return false;
  };
  return {
    stream: socket,
    peer: { ...below.peer, ...facts, tls: { ...readFacts(socket), ...(trusting !== undefined && { trusting }) } },
    // A close_notify is followed by a FIN.
    ...(below.halfClose && { halfClose: below.halfClose }),
    reset: (error) =>
      runAfterFin(socket, () => {
        socket.destroy(error);
        below.reset(error);
      }),
  };
}

function hooksOf(socket: TLSSocket): Hooks {
  return socket as unknown as Hooks;
}

function readFacts(socket: TLSSocket): NonNullable<Peer['tls']> {
  const subject = formatName(readPeerCertificate(socket)?.subject);
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.standardName ?? 'unknown',
    ...(socket.alpnProtocol && { alpn: socket.alpnProtocol }),
    ...(subject && { subject }),
  };
}
