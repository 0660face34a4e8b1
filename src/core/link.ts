import { Duplex } from 'node:stream';
import type { Address } from './address.ts';
import type { Flow } from './flow.ts';
import type { HalfClose } from './hop.ts';
import { toBytes } from './ip.ts';

/** Facts about the far end of a Link. */
export interface Peer {
  /** The address of the peer, if the kernel or the outer protocol gave it. */
  readonly address?: Address;
  /** Our address to which the peer connected, if a listener accepted it. */
  readonly reached?: Address;
  /** The number of the connection of the system that the Link uses, from 1, as logs name it; absent if there is none. */
  readonly connection?: number;
  /** The two ends of the connection itself, if a PROXY header told others, which are `address` and `reached` then. */
  readonly direct?: Pick<Peer, 'address' | 'reached'>;
  /** The identity that the peer proved, if it did: the subject of a client certificate, or a SPIFFE id. */
  readonly identity?: string;
  readonly tls?: TlsFacts;
  /** The server that the peer asks for in TLS which is not ours to end, in lower case; `tls` has it otherwise. */
  readonly serverName?: string;
}

/** The result of a TLS handshake. */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn?: string;
  /** The name of the server that the client has asked for, in lower case. */
  readonly serverName?: string;
  /** Subject of the peer's certificate. */
  readonly subject?: string;
  /** The peer's certificate in DER. */
  readonly certificate?: Uint8Array;
  /** A description of the trusted authorities; absent if none was needed. */
  readonly trusting?: string;
}

/**
 * Returns a name for the place that a client comes from: an IPv4 address, or the first 64 bits of an IPv6 address, whose
 * rest a client chooses. All clients of Unix sockets and of stages inside count as one.
 */
export function findSource({ address }: Peer): string {
  if (address?.kind !== 'tcp') return 'local';
  const bytes = toBytes(address.host);
  if (!bytes) return address.host;
  return Buffer.from(bytes.length === 16 ? bytes.slice(0, 8) : bytes).toString('hex');
}

/** Describes the result of a TLS handshake in one line, for `-v`. */
export function describeTls({ tls, identity }: Peer): string {
  const { protocol = '', cipher = '', alpn = 'none', subject = '', trusting } = tls ?? {};
  const trust = trusting === undefined ? '' : `trusting ${trusting}`;
  return [protocol, cipher, `alpn ${alpn}`, identity ?? subject, trust].filter(Boolean).join(', ');
}

/** Rules for sending our FIN where a hop on the way may take it for the end of both halves. */
export interface HalfCloseTerms {
  /** The time at which our FIN may be sent. */
  readonly when: HalfClose;
  /** `HOST:PORT` of the hop that may misread it. */
  readonly hop: string;
  /** True if the hop is known not to carry half-closed tunnels. */
  readonly swallows: boolean;
  /** Present if `when` is a finding that no longer holds once a tunnel ends right behind our FIN. */
  readonly forget?: () => void;
}

/** The transports of a Link that outlives them. */
export interface Resumption {
  /** True while the Link has no transport and waits for another. */
  readonly isWaiting: boolean;
  /** How often another transport has taken over. */
  readonly resumed: number;
  /** Each is called after a change; `reason` says why a transport was lost. */
  readonly watchers: Set<(reason?: Error) => void>;
}

/** The stream that a transport carries, for a transport that has to prove each of its requests. */
export interface CarriedStream {
  readonly id: string;
  /** The number of the transport, from 0. */
  readonly count: number;
  /** The key that both ends of the stream know and nobody else. */
  readonly key: Uint8Array;
}

/** The parts of a way that outlive their transports. */
export interface ResumedParts {
  readonly resumptions?: readonly Resumption[] | undefined;
}

/** True while a part of the way of a tunnel waits for a transport. */
export function isWaiting({ resumptions = [] }: ResumedParts): boolean {
  return resumptions.some((part) => part.isWaiting);
}

/** How often a tunnel went on over another transport. */
export function countResumed({ resumptions = [] }: ResumedParts): number {
  return resumptions.reduce((sum, { resumed }) => sum + resumed, 0);
}

/** A byte stream whose two halves end separately, and which can be reset. */
export interface Link {
  /** The bytes. `end()` ends our half only; the other stays open. */
  readonly stream: Duplex;
  readonly peer: Peer;
  /** The same bytes for a relay. Whoever listens to it leaves `stream` alone from then on. */
  readonly flow?: Flow | undefined;
  /** Absent if our FIN may be sent at once. */
  readonly halfClose?: HalfCloseTerms;
  /** Present if the Link outlives its transports. */
  readonly resumption?: Resumption;
  /** Ends both halves so that the other side sees an abort and never a clean end. Idempotent. */
  reset(error: Error): void;
}

/** The bytes of another Link, with other facts. A spread of that Link would make its Duplex, which a relay may not need. */
export abstract class LinkView implements Link {
  readonly peer: Peer;
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    this.peer = link.peer;
  }

  get stream(): Duplex {
    return this.#link.stream;
  }

  get flow(): Flow | undefined {
    return this.#link.flow;
  }

  reset(error: Error): void {
    this.#link.reset(error);
  }
}

/**
 * Keeps an early `'error'` of a stream from ending the process. The relay and the carriers attach their own listeners
 * later; until then an error only marks the stream as destroyed.
 */
export function guardStream<S extends Duplex>(stream: S): S {
  stream.on('error', ignore);
  return stream;
}

function ignore(): void {}

/** Makes a Link of any Duplex whose `destroy(error)` is an abort for the other side. */
export function streamLink(stream: Duplex, peer: Peer = {}): Link {
  guardStream(stream);
  return { stream, peer, reset: (error) => void stream.destroy(error) };
}

/**
 * Bytes that may wait in each direction of a pair, for its reader and for its writer. It is fixed here because Node's
 * default differs between its versions.
 */
const pairBufferBytes = 16 * 1024;

class PairEnd extends Duplex {
  other!: PairEnd;
  readonly #slackBytes: number;
  #pendingWrite: (() => void) | undefined;

  constructor(slackBytes: number, bufferBytes: number) {
    super({ allowHalfOpen: true, readableHighWaterMark: bufferBytes, writableHighWaterMark: pairBufferBytes });
    this.#slackBytes = slackBytes;
  }

  override _read(): void {
    const resume = this.#pendingWrite;
    this.#pendingWrite = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Not in this tick: when two HTTP/2 sessions are joined in memory, the one that writes would receive the
    // answer while it writes, which fails an assertion in Node's HTTP/2 and ends the process.
    process.nextTick(deliver, this.other, chunk, done);
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    const ended = this.writableFinished && this.readableEnded;
    this.#pendingWrite = undefined;
    if (!ended && !other.destroyed) {
      const cause = error ?? resetError('the other end was destroyed');
      // Not in this tick: a destroy inside a write callback of the other end must not re-enter it.
      process.nextTick(() => other.#abort(cause));
    }
    done(error);
  }

  /** Follows the other end, which was destroyed: a paused reader still gets the bytes that are here, then the error. */
  #abort(cause: Error): void {
    if (this.listenerCount('data') > 0) while (this.read() !== null);
    this.destroy(cause);
  }

  receive(chunk: Buffer, done: () => void): void {
    if (this.destroyed) return done();
    // Back-pressure: the writer is called back when the reader asks for more.
    this.#pendingWrite = done;
    if (this.push(chunk)) this._read();
    else if (this.other.#pendingWrite) {
      this.#giveWay();
      this.other.#giveWay();
    }
  }

  /** Accepts the writer's next bytes although the reader has not asked, because both ends wait for each other. */
  #giveWay(): void {
    if (this.readableLength < this.#slackBytes) this._read();
  }
}

function deliver(end: PairEnd, chunk: Buffer, done: () => void): void {
  end.receive(chunk, done);
}

/** Makes the error that a reset Link reports, with the code of a TCP reset. */
export function resetError(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/** Options of two Links that are joined in memory. */
export interface PairOptions {
  /** The peer that the first Link reports. */
  readonly first?: Peer;
  readonly second?: Peer;
  /** Bytes by which each writer may be ahead of its reader if both ends wait for each other. Default: 0. */
  readonly slackBytes?: number;
  /** About how many bytes may wait for each reader before its writer has to wait. Default: 16 KiB. */
  readonly bufferBytes?: number;
}

/**
 * Makes two Links joined in memory: each reads what the other writes, with back-pressure, half-close and reset.
 * Node's own `duplexPair` does not tell one side that the other was destroyed. If both ends wait for each other with
 * more to write, each may be `slackBytes` ahead of its reader.
 */
export function linkPair({ slackBytes = 0, bufferBytes = pairBufferBytes, ...peers }: PairOptions = {}): [Link, Link] {
  const first = new PairEnd(slackBytes, bufferBytes);
  const second = new PairEnd(slackBytes, bufferBytes);
  first.other = second;
  second.other = first;
  return [streamLink(first, peers.first), streamLink(second, peers.second)];
}
