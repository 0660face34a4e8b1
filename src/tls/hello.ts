import type { Duplex } from 'node:stream';
import { abortReason, throwIfAborted } from '../core/deadline.ts';

/** The most bytes of a first message that are looked at, as in Envoy. */
const maxBytes = 16 * 1024;

/** What the first bytes of a client are: `more` of them are needed, or they are known. */
type Hello = 'more' | { readonly serverName?: string };

/**
 * Waits for the first message of a client of TLS, and leaves all bytes in the stream, which is paused. Resolves with the
 * name of the server that it asks for, in lower case (RFC 6066, section 3); undefined if it names none, does not speak
 * TLS or ends before: what it has sent until then is passed on as well.
 * @throws {TunlError} the signal's reason
 */
export function peekServerName(stream: Duplex, signal: AbortSignal): Promise<string | undefined> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const reader = new HelloReader();
    let known = 0;
    const settle = (act: () => void) => {
      stream.off('readable', onReadable).off('end', onOver).off('error', onOver).off('close', onOver);
      signal.removeEventListener('abort', onAbort);
      // A stream that has lost its last listener for `readable` forgets in the next tick that it is paused.
      process.nextTick(() => {
        stream.pause();
        act();
      });
    };
    const onOver = () => settle(() => resolve(undefined));
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const onReadable = () => {
      for (;;) {
        // Less than is asked for is only read at the end, which a stream cannot tell while it has bytes.
        const first = stream.read(known + 1) as Buffer | null;
        if (!first) return;
        const isOver = first.length <= known;
        const rest = stream.read() as Buffer | null;
        const received = rest ? Buffer.concat([first, rest]) : first;
        known = received.length;
        // Nothing can be put back once the end was told, so all is put back before.
        stream.unshift(received);
        const hello = reader.read(received);
        if (hello !== 'more') return settle(() => resolve(hello.serverName));
        if (isOver) return onOver();
      }
    };
    if (stream.readableEnded || stream.destroyed) return resolve(undefined);
    stream.on('readable', onReadable).on('end', onOver).on('error', onOver).on('close', onOver);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Reads a ClientHello while it comes (RFC 8446, sections 4.1.2 and 5.1). It may be cut into several records, each of which
 * is looked at once, however small the pieces are in which it comes.
 */
export class HelloReader {
  /** Where the first record begins that was not whole yet. */
  #at = 0;
  readonly #pieces: Buffer[] = [];
  #size = 0;

  /** Reads what has come so far, from the first byte on. */
  read(bytes: Buffer): Hello {
    for (;;) {
      const at = this.#at;
      // A record of the type handshake, in any version of TLS.
      if (bytes.length > at && bytes[at] !== 22) return {};
      if (bytes.length > at + 1 && bytes[at + 1] !== 3) return {};
      const length = bytes.length < at + 5 ? undefined : bytes.readUInt16BE(at + 3);
      // Such a record may not be empty.
      if (length === 0) return {};
      const end = length === undefined ? Infinity : at + 5 + length;
      if (bytes.length < end) return bytes.length > maxBytes ? {} : 'more';
      this.#pieces.push(bytes.subarray(at + 5, end));
      this.#size += end - at - 5;
      this.#at = end;
      const message = this.#takeMessage();
      if (message) return readNames(message);
      if (bytes.length > maxBytes) return {};
    }
  }

  /** Returns the message without its head once it is whole; an empty one if it is another message. */
  #takeMessage(): Buffer | undefined {
    const [first] = this.#pieces;
    if (first && first[0] !== 1) return Buffer.alloc(0);
    if (this.#size < 4) return undefined;
    const head = first && first.length >= 4 ? first : Buffer.concat(this.#pieces, this.#size);
    const length = 4 + head.readUIntBE(1, 3);
    return this.#size < length ? undefined : Buffer.concat(this.#pieces, this.#size).subarray(4, length);
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
  const name = list.toString('latin1', 5, 5 + length).toLowerCase();
  // What is no name of a host would only get into logs and values.
  return /^[\x21-\x7e]{1,255}$/.test(name) ? { serverName: name } : {};
}
