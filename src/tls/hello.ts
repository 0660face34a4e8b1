import type { Duplex } from 'node:stream';
import { abortReason, throwIfAborted } from '../core/deadline.ts';

/** The most bytes of a first message that are looked at, as in Envoy. */
const maxBytes = 16 * 1024;

/** What the first bytes of a client are: `more` of them are needed, or they are known. */
type Hello = 'more' | { readonly serverName?: string };

/**
 * Waits for the first message of a client of TLS, and leaves all bytes in the stream, which is paused. Resolves with the
 * name of the server that it asks for, in lower case (RFC 6066, section 3); undefined if it names none, does not speak
 * TLS or ends before.
 * @throws {TunlError} the signal's reason
 */
export function peekServerName(stream: Duplex, signal: AbortSignal): Promise<string | undefined> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const settle = (act: () => void) => {
      stream.off('data', onData).off('end', onOver).off('error', onOver).off('close', onOver);
      signal.removeEventListener('abort', onAbort);
      stream.pause();
      if (received.length > 0 && !stream.readableEnded && !stream.destroyed) stream.unshift(received);
      act();
    };
    const onOver = () => settle(() => resolve(undefined));
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const hello = readHello(received);
      if (hello !== 'more') settle(() => resolve(hello.serverName));
    };
    if (stream.readableEnded || stream.destroyed) return resolve(undefined);
    stream.on('data', onData).on('end', onOver).on('error', onOver).on('close', onOver);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.resume();
  });
}

/** Reads what has come of a ClientHello (RFC 8446, sections 4.1.2 and 5.1), which may be cut into several records. */
export function readHello(bytes: Buffer): Hello {
  const pieces: Buffer[] = [];
  let size = 0;
  for (let at = 0; ;) {
    // A record of the type handshake, in any version of TLS.
    if (bytes.length > at && bytes[at] !== 22) return {};
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return {};
    if (bytes.length < at + 5) return bytes.length > maxBytes ? {} : 'more';
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    const piece = bytes.subarray(at + 5, end);
    pieces.push(piece);
    size += piece.length;
    const message = Buffer.concat(pieces, size);
    if (message.length > 0 && message[0] !== 1) return {};
    const length = message.length < 4 ? Infinity : 4 + message.readUIntBE(1, 3);
    if (message.length >= length) return readNames(message.subarray(4, length));
    if (bytes.length > maxBytes) return {};
    if (bytes.length < end) return 'more';
    at = end;
  }
}

/** Reads the extensions of a whole ClientHello. */
function readNames(hello: Buffer): Hello {
  try {
    // The version and the random number; then the session, the ciphers and the compressions, with their lengths.
    let at = 34;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    if (at === hello.length) return {};
    const end = at + 2 + hello.readUInt16BE(at);
    for (at += 2; at < end;) {
      const [type, length] = [hello.readUInt16BE(at), hello.readUInt16BE(at + 2)];
      if (type === 0) return readName(hello.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  } catch {
    // A length leads behind the end: it is no ClientHello.
  }
  return {};
}

/** Reads a list of server names, of which only host names (type 0) are defined. */
function readName(list: Buffer): Hello {
  const length = list.readUInt16BE(3);
  if (list.readUInt8(2) !== 0 || length === 0 || list.length < 5 + length) return {};
  return { serverName: list.toString('latin1', 5, 5 + length).toLowerCase() };
}
