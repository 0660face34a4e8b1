import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { abortReason, throwIfAborted } from '../core/deadline.ts';
import { guardStream, type Link, type Peer, type TlsFacts } from '../core/link.ts';
import { keepFreedMemory, runAfterFin } from '../core/socket-link.ts';
import { SocketFlow } from '../sockets/socket-flow.ts';
import { type RecordReads, readRecords } from '../sockets/record-reads.ts';
import { closedError, explainTlsError, type TlsSide } from './failure.ts';
import { explainFalseEnd } from './false-end.ts';
import { formatName } from './certificate/names.ts';
import { readPeerCertificate } from './certificate/peer-certificate.ts';
import { Underlay } from './underlay.ts';

/** A TLS socket and the Link below it. */
export interface Overlay {
  readonly socket: TLSSocket;
  readonly below: Link;
  /** The stream that `layUnder` returned for `below`. */
  readonly under: Duplex;
  readonly side: TlsSide;
}

/** Facts that a handshake has proved, beside those of the socket itself. */
export type ProvenFacts = Pick<Peer, 'identity'> & Pick<TlsFacts, 'trusting'>;

/** Methods of Node's streams and TLS sockets that are replaced on a socket. */
interface Hooks {
  _destroy(error: Error | null, done: (error?: Error | null) => void): void;
  _emitTLSError(error: Error): void;
  push(chunk: unknown): boolean;
}

/**
 * Checks that a handshake can start on a Link.
 * @throws {TunlError} if the Link has ended, or the signal's reason
 */
export function assertUsable({ stream }: Link, side: TlsSide, signal: AbortSignal): void {
  throwIfAborted(signal);
  if (stream.destroyed || stream.readableEnded) throw closedError(side, stream.errored ?? undefined);
}

/**
 * Returns the stream to pass to `node:tls`. A bare socket is passed as it is, so that no byte goes through JavaScript
 * below TLS. Node could use a TLS socket in the same way, but the handshake hangs if that one is on another stream.
 */
export function layUnder(link: Link): Duplex {
  const { stream } = link;
  const isBareSocket = Boolean((stream as { _handle?: unknown })._handle) && !(stream instanceof TLSSocket);
  return isBareSocket ? stream : new Underlay(link);
}

/** Makes a new TLS socket safe to wait for: half-open, and without an unhandled `'error'`. */
export function prepareSocket({ socket, side }: Overlay): void {
  // It is read into memory of Node's, so nobody sees how much comes at a time.
  keepFreedMemory();
  guardStream(socket);
  // Node copies it from the stream below, and would otherwise end our half with the other one.
  socket.allowHalfOpen = true;
  // Node emits OpenSSL's errors in OpenSSL's words, or not at all, and leaves the socket open.
  hooksOf(socket)._emitTLSError = (error) => void socket.destroy(explainTlsError(error, side) ?? error);
}

/**
 * Waits until the handshake is complete.
 * @param event the event with which Node reports that on this side
 * @throws {Error} the error that ended it, `closedError`, or the signal's reason
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
    // Node emits the event from inside OpenSSL, where a reset would free memory that is still in use.
    const onDone = () => void setImmediate(() => settle(resolve));
    const onError = (error: Error) => settle(() => reject(error));
    const onClosed = () => settle(() => reject(closedError(side)));
    const onAbort = () => settle(() => reject(abortReason(signal)));
    socket.on(event, onDone).on('error', onError).on('end', onClosed).on('close', onClosed);
    // If the end was read before TLS started, TLS would wait for it for ever.
    under.on('end', onClosed);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Makes errors of the TLS socket reset the Link below from now on. By itself it would close that Link cleanly, and the
 * peer would take this for the end of the bytes.
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
 * Makes the next `destroy` of a socket a reset. Node closes a TLS socket by destroying the one below and waiting for
 * its `'close'`. If that was reset before, Node would free memory that OpenSSL may still use, and emit `'close'` before
 * `'error'`.
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
 * Makes the Link over an established TLS socket. Ending its stream sends close_notify and a FIN, and leaves the other
 * half open. An end of the stream below without close_notify is an error, unless it is the FIN of a bare socket.
 */
export function overlayLink({ socket, below, under, side }: Overlay, { trusting, ...facts }: ProvenFacts = {}): Link {
  const hooks = hooksOf(socket);
  const reads = readRecords(socket);
  if (reads) flushBeforeFailure(hooks, reads);
  const { push } = hooks;
  hooks.push = (chunk) => {
    if (chunk === null) reads?.noteEnd();
    const failure = chunk === null ? explainFalseEnd(socket, under, side) : undefined;
    if (!failure) return push.call(socket, chunk);
    socket.destroy(failure);
    return false;
  };
  const reset = (error: Error) => {
    reads?.drop();
    runAfterFin(socket, () => {
      socket.destroy(error);
      below.reset(error);
    });
  };
  return {
    stream: socket,
    ...(reads && { flow: new SocketFlow(socket, reads, reset) }),
    peer: { ...below.peer, ...facts, tls: { ...readFacts(socket), ...(trusting !== undefined && { trusting }) } },
    // The terms of the Link below hold here too: after close_notify comes its FIN.
    ...(below.halfClose && { halfClose: below.halfClose }),
    reset,
  };
}

/** Delivers what was read before the other side has failed, and before the socket is destroyed for it. */
function flushBeforeFailure(hooks: Hooks, reads: RecordReads): void {
  const { _destroy: destroy } = hooks;
  hooks._destroy = (error, done) => {
    if (error) reads.flush();
    destroy.call(hooks, error, done);
  };
}

function hooksOf(socket: TLSSocket): Hooks {
  return socket as unknown as Hooks;
}

function readFacts(socket: TLSSocket): NonNullable<Peer['tls']> {
  const certificate = readPeerCertificate(socket);
  const subject = formatName(certificate?.subject);
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.standardName ?? 'unknown',
    ...(socket.alpnProtocol && { alpn: socket.alpnProtocol }),
    // On the side of the server: what the client has asked for.
    ...(typeof socket.servername === 'string' && { serverName: socket.servername.toLowerCase() }),
    ...(subject && { subject }),
    ...(certificate && { certificate: certificate.raw }),
  };
}
