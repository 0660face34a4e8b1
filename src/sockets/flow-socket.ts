import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { Duplex } from 'node:stream';
import type { LendingStream, Receive } from '../core/duplex-flow.ts';
import { readsOn } from '../core/socket-link.ts';
import { type Ticked, wheel } from '../core/wheel.ts';
import { type Borrower, copyOf, giveBack, lend, sharedMemory } from './read-memory.ts';

/** The parts of Node's handle of a connection that are used here. */
export interface SocketHandle {
  readonly useUserBuffer: unknown;
  readStart(): number;
}

/** Receives the events of a socket in place of its listeners. */
export interface SocketReceiver extends Borrower {
  /** True while it takes bytes as they come. */
  readonly isReading?: boolean;
  onEnd?(): void;
  onFinish?(): void;
  /** The socket has failed, or is closed. */
  onOver?(): void;
}

/** The reads of a socket, which go to a receiver past its stream. */
export interface Reads {
  /** Set once the bytes go past the stream. */
  receiver: SocketReceiver | undefined;
  /** Starts to report the ends of both halves to the receiver as well. */
  listen(receiver: SocketReceiver): void;
  /** Asks the system for no more bytes; the receiver says so itself while it has the bytes of a read. */
  stopReading(): void;
  /** Asks the system for bytes, unless it does so already. */
  startReading(): void;
}

/** Waits for a socket to be connected. */
export interface ConnectReceiver extends SocketReceiver {
  onConnect(): void;
}

/** Silence before the first keep-alive probe; firewalls forget connections only after more. */
export const keepAliveMs = 30_000;

/** The age, in seconds, from which on a socket is kept alive; most are gone by then, and save the system calls. */
const keepAliveAge = 5;

/** Options that Node takes and its types lack. */
interface SocketOptions extends SocketConstructorOpts {
  readonly onread: OnReadOpts;
  /** The handle of a connection; it is not documented. */
  readonly handle: SocketHandle | undefined;
  /** Node sets these three in a copy. Where they are missing, V8 makes a shape for each copy, and caches nothing of it. */
  readonly emitClose: false;
  readonly autoDestroy: true;
  readonly decodeStrings: false;
}

/** The memory for the next read; Node asks for it right after each read, and when a socket gets its handle. */
let nextMemory: Buffer = sharedMemory;

/** The error of every reset. */
const resetByPeer: NodeJS.ErrnoException = Object.assign(new Error('read ECONNRESET'), {
  code: 'ECONNRESET',
  syscall: 'read',
});

/** One for all sockets: Node calls `callback` as a method of the socket. */
const onread = {
  buffer(): Buffer {
    const memory = nextMemory;
    nextMemory = sharedMemory;
    return memory;
  },
  callback(this: unknown, bytes: number, memory: Uint8Array): boolean {
    return (this as FlowSocket).receive(bytes, memory as Buffer);
  },
};

/**
 * A socket whose bytes go to a receiver without a stream in between, once there is one. Until then, and for everybody
 * else, it is an ordinary socket that reads as far as its high-water mark.
 */
export class FlowSocket extends Socket implements LendingStream, Reads, Ticked {
  receiver: SocketReceiver | undefined;
  /** The other side has ended its half, and nothing more can be read from the system. */
  hasEnd = false;
  /** An end has come, and was doubted if there was reason to. */
  #isEndDoubted = false;
  #memory: Buffer = sharedMemory;
  readonly #madeAt = wheel.now;
  /** True while the receiver has the bytes of a read. */
  #isReceiving = false;

  /** @param handle of an accepted connection, which is read from at once; without it the socket can be connected */
  constructor(handle?: SocketHandle) {
    // Half-open, so that the relay decides when each half ends.
    const options: SocketOptions = {
      allowHalfOpen: true,
      onread,
      handle,
      emitClose: false,
      autoDestroy: true,
      decodeStrings: false,
    };
    super(options);
    this.setNoDelay(true);
    wheel.add(this);
  }

  listen(receiver: SocketReceiver): void {
    this.receiver = receiver;
  }

  /** Tells the receiver of each event past the listeners: adding some to each socket, for each phase, costs more. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const { receiver } = this;
    if (event === 'close') this.release();
    if (receiver) {
      if (event === 'connect') (receiver as ConnectReceiver).onConnect();
      else if (event === 'end') receiver.onEnd?.();
      else if (event === 'finish') receiver.onFinish?.();
      else if (event === 'error' || event === 'close') receiver.onOver?.();
    }
    // An error that nobody waits for must not end the process.
    return (event === 'error' && this.listenerCount(event) === 0) || super.emit(event, ...args);
  }

  lend(receive: Receive): void {
    this.pause();
    this.receiver = new Lender(receive);
    if (this.readableLength > 0) process.nextTick(lendRest, this, this, receive);
    else this.startReading();
  }

  receive(bytes: number, memory: Buffer): boolean {
    const { receiver } = this;
    // What waits in the stream comes first.
    if (!receiver?.isReading || this.readableLength > 0) {
      const takesMore = this.push(copyOf(memory, bytes));
      // Not before: a listener may have opened a socket, which would have got the same memory.
      nextMemory = memory;
      return takesMore;
    }
    this.#isReceiving = true;
    const next = lend(memory, bytes, receiver);
    this.#isReceiving = false;
    this.#memory = next;
    nextMemory = next;
    // A receiver that has left leaves the bytes to the stream, which reads on.
    return this.receiver !== receiver || receiver.isReading === true;
  }

  stopReading(): void {
    if (!this.#isReceiving) super.pause();
  }

  startReading(): void {
    if (!this.hasEnd && !this.destroyed) this._read(0);
  }

  // Node stops reading at once with `onread`, and starts again for each `read`; both would be too soon for a stream.
  override pause(): this {
    return Duplex.prototype.pause.call(this) as this;
  }

  override resume(): this {
    return Duplex.prototype.resume.call(this) as this;
  }

  override read(size?: number): unknown {
    return Duplex.prototype.read.call(this, size) as unknown;
  }

  /** Replaces the error of a reset, which ends many tunnels: Node would write down the stack of each. */
  override destroy(error?: Error): this {
    const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
    return super.destroy(code === 'ECONNRESET' && syscall === 'read' ? resetByPeer : error);
  }

  /** Doubts the first end. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null) return super.push(chunk, encoding);
    const isFirst = !this.#isEndDoubted;
    this.#isEndDoubted = true;
    if (isFirst && readsOn(this)) return false;
    this.hasEnd = true;
    return super.push(null);
  }

  onTick(now: number): void {
    if (now - this.#madeAt < keepAliveAge) return;
    wheel.delete(this);
    this.setKeepAlive(true, keepAliveMs);
  }

  /** Ends what the socket takes part in: nothing is read any more. */
  release(): void {
    wheel.delete(this);
    giveBack(this.#memory);
    this.#memory = sharedMemory;
  }
}

/** The receiver of somebody who listens to the other events of the socket himself. */
export class Lender implements SocketReceiver {
  readonly isReading = true;
  readonly onData: Receive;

  constructor(receive: Receive) {
    this.onData = receive;
  }
}

/** Passes on what the stream has read before. */
export function lendRest(socket: Duplex, reads: Reads, receive: Receive): void {
  while (!socket.destroyed) {
    const chunk = socket.read() as Buffer | null;
    if (!chunk) return reads.startReading();
    receive(chunk);
  }
}

/** Checks that a connection can be read in this way; the handle is not documented by Node. */
export function isSocketHandle(handle: unknown): handle is SocketHandle {
  const { useUserBuffer, readStart } = (handle ?? {}) as Partial<SocketHandle>;
  return typeof useUserBuffer === 'function' && typeof readStart === 'function';
}
