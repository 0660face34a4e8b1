import type { Duplex } from 'node:stream';
import { DuplexFlow } from '../core/duplex-flow.ts';
import type { Fate, FlowEvents } from '../core/flow.ts';
import type { Link, Peer } from '../core/link.ts';
import { bulkBytes, makeReset } from '../core/socket-link.ts';
import type { FlowSocket, Reads, SocketReceiver } from './flow-socket.ts';

/** Makes a Link of a TCP socket; its reset is a TCP RST. */
export function tcpLink(socket: FlowSocket, peer: Peer): Link {
  return socketLink(socket, peer, makeReset(socket));
}

/** Makes a Link of a Unix socket, which knows no reset: it is closed. */
export function unixLink(socket: FlowSocket, peer: Peer): Link {
  return socketLink(socket, peer, (error) => void socket.destroy(error));
}

/** The connections so far, accepted or dialled. */
let connections = 0;

function socketLink(socket: FlowSocket, peer: Peer, reset: Link['reset']): Link {
  const numbered = { ...peer, connection: ++connections };
  return { stream: socket, peer: numbered, flow: new SocketFlow(socket, socket, reset), reset };
}

/** From so many bytes on nothing more is read for a receiver that is still to come, as with the queue of a stream. */
const mostEarlyBytes = 64 * 1024;

/** The Flow of a socket. Bytes pass the stream by in both directions as far as Node lets them. */
export class SocketFlow extends DuplexFlow implements SocketReceiver {
  isReading = false;
  /** What came before there was a receiver, until that has all of it. */
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #onOverEarly: (() => void) | undefined;
  readonly #socket: Duplex;
  readonly #reads: Reads;

  /** @param reset aborts both halves, so that the other side sees it */
  constructor(socket: Duplex, reads: Reads, reset: (error: Error) => void) {
    super(socket, reset);
    this.#socket = socket;
    this.#reads = reads;
  }

  override get isEnded(): boolean {
    return !this.#early && this.#socket.readableEnded;
  }

  watch(onOver: () => void): void {
    this.#onOverEarly = onOver;
    this.isReading = true;
    this.#reads.listen(this);
  }

  override listen(events: FlowEvents): void {
    this.events = events;
    this.#onOverEarly = undefined;
    this.isReading = false;
    this.#socket.pause();
    this.#reads.listen(this);
    this.followQueue();
  }

  /** A small chunk has no callback: the system takes most of them at once, and a callback would cost a tick. */
  override write(chunk: Buffer): Fate {
    const socket = this.#socket;
    const isTold = this.isQueued || chunk.length >= bulkBytes;
    const hasRoom = socket.write(chunk, isTold ? this.onWritten : undefined);
    if (socket.writableLength === 0) return 'free';
    if (isTold) this.isQueued = true;
    else this.followQueue();
    return hasRoom ? 'kept' : 'full';
  }

  override pause(): void {
    this.isReading = false;
    this.#reads.stopReading();
  }

  override resume(): void {
    if (this.isReading) return;
    this.isReading = true;
    if (this.#early || this.#socket.readableLength > 0) process.nextTick(deliverRest, this);
    else this.#reads.startReading();
  }

  release(rest?: Buffer): void {
    this.isReading = false;
    this.events = undefined;
    this.#reads.receiver = undefined;
    if (rest && rest.length > 0) this.#socket.unshift(rest);
  }

  /** Delivers what came before there was a receiver, and then what the stream has read. */
  deliverRest(): void {
    const socket = this.#socket;
    if (this.#early) {
      if (!this.isReading) return;
      const early = this.#early;
      // What comes meanwhile stays behind it.
      this.#early = [];
      // As one chunk: a client may have sent it byte by byte.
      if (early.length > 0) this.events?.onData(early.length === 1 ? (early[0] as Buffer) : Buffer.concat(early));
      // A receiver that has enough hears of the end once it reads on.
      if (!this.isReading) return;
      if (this.#early.length > 0) return this.deliverRest();
      this.#early = undefined;
      // It ended while something waited before its end.
      if (socket.readableEnded) return this.onEnd();
    }
    while (this.isReading && !socket.destroyed) {
      // One call returns everything, or the first of it: that depends on the version of Node.
      const chunk = socket.read() as Buffer | null;
      if (!chunk) return this.#reads.startReading();
      this.onData(chunk);
    }
  }

  onData(chunk: Buffer): boolean {
    return this.events && !this.#early ? this.events.onData(chunk) : this.#keep(chunk);
  }

  onEnd(): void {
    if (!this.#early) this.events?.onEnd();
  }

  override onOver(): void {
    if (this.events) return super.onOver();
    this.#onOverEarly?.();
    this.#onOverEarly = undefined;
  }

  #keep(chunk: Buffer): boolean {
    this.#early ??= [];
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (!this.events && this.#earlyBytes >= mostEarlyBytes) this.isReading = false;
    return true;
  }

  onFinish(): void {
    this.events?.onFinish();
  }
}

function deliverRest(flow: SocketFlow): void {
  flow.deliverRest();
}
