import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { LendingStream, Receive } from '../core/duplex-flow.ts';
import { Lender, lendRest, type Reads, type SocketReceiver } from './flow-socket.ts';
import { borrowBlock, copyOf, giveAway, giveBack, lendBlock, manyBytes, sharedMemory } from './read-memory.ts';

/** The most bytes that a record of TLS holds (RFC 8446, section 5.1). Where much is sent, most records are full. */
const recordBytes = 16 * 1024;

/** What Node's handle of a socket offers for reads into memory of ours. */
interface Handle {
  useUserBuffer(memory: Buffer): void;
}

/** The properties in which a socket of Node keeps what its option `onread` says. */
interface Keys {
  readonly memory: symbol;
  readonly callback: symbol;
  readonly next: symbol;
}

/**
 * Reads a TLS socket past its stream. Node hands over each record by itself, as soon as it is decrypted; those of one
 * turn of the event loop are put together here, in one block, so that they are written to the other side together:
 *
 *     a record that is not full    ends what the other side wrote at a time: all that waits is delivered at once
 *     a full record                waits for the next one, at most until the end of the turn or of the block
 *
 * Node offers `onread` only for sockets that it opens itself, so its properties are set on the socket.
 */
export class RecordReads implements Reads {
  receiver: SocketReceiver | undefined;
  readonly #socket: Socket;
  readonly #keys: Keys;
  #isInstalled = false;
  #reportsEnds = false;
  #hasEnd = false;
  /** True while the receiver has bytes. */
  #isReceiving = false;
  /** The memory that Node decrypts the next record into: the end of the block, or the memory of all. */
  #next: Buffer = sharedMemory;
  /** The block in which records are put together, and the bytes of it that wait. */
  #block: Buffer | undefined;
  #start = 0;
  #end = 0;
  #isKept = false;
  #isScheduled = false;

  constructor(socket: Socket, keys: Keys) {
    this.#socket = socket;
    this.#keys = keys;
  }

  /** Makes the bytes go past the stream as soon as there is a receiver. */
  install(): void {
    if (this.#isInstalled) return;
    this.#isInstalled = true;
    const socket = this.#socket;
    const { memory, callback, next } = this.#keys;
    Object.assign(socket, streamMethods, {
      [memory]: this.#next,
      [callback]: (bytes: number, record: Buffer) => this.#onRecord(bytes, record),
      [next]: () => this.#next,
    });
    socket.once('close', () => this.#release());
    handleOf(socket)?.useUserBuffer(this.#next);
  }

  lend(receive: Receive): void {
    const socket = this.#socket;
    socket.pause();
    this.install();
    this.receiver = new Lender(receive);
    if (socket.readableLength > 0) process.nextTick(lendRest, socket, this, receive);
    else this.startReading();
  }

  listen(receiver: SocketReceiver): void {
    this.install();
    this.receiver = receiver;
    if (this.#reportsEnds) return;
    this.#reportsEnds = true;
    this.#socket
      .on('end', () => this.receiver?.onEnd?.())
      .on('finish', () => this.receiver?.onFinish?.())
      .on('error', () => this.receiver?.onOver?.())
      .on('close', () => this.receiver?.onOver?.());
  }

  stopReading(): void {
    const { pause } = Object.getPrototypeOf(this.#socket) as Socket;
    if (!this.#isReceiving && this.#isInstalled) pause.call(this.#socket);
  }

  startReading(): void {
    if (!this.#hasEnd && !this.#socket.destroyed) this.#socket._read(0);
  }

  /** Delivers what waits; to be called before the socket reports an end or a failure of the other side. */
  flush(): void {
    const bytes = this.#end - this.#start;
    if (bytes === 0) return;
    const chunk = (this.#block as Buffer).subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (this.#pass(chunk, bytes >= manyBytes)) this.#isKept = true;
  }

  /** Notes that no record follows. */
  noteEnd(): void {
    this.flush();
    this.#hasEnd = true;
  }

  /** Forgets what waits: the socket is about to be reset by us. */
  drop(): void {
    this.#start = this.#end;
  }

  /** Takes a record that was decrypted into the memory which we named last. Node stops reading on `false`. */
  #onRecord(bytes: number, memory: Buffer): boolean {
    const isFull = bytes >= recordBytes;
    if (!this.#block) {
      const block = isFull && this.#isReading ? borrowBlock() : undefined;
      if (!block) {
        this.#pass(memory.subarray(0, bytes), false);
        return this.#isReading;
      }
      memory.copy(block, 0, 0, bytes);
      this.#enter(block);
    }
    this.#end += bytes;
    if (!isFull || !this.#hasRoom || !this.#isReading) this.#turn();
    else this.#schedule();
    this.#next = this.#block?.subarray(this.#end) ?? sharedMemory;
    return this.#isReading;
  }

  /** True while records should come: the receiver, or the stream, takes them. */
  get #isReading(): boolean {
    const { receiver } = this;
    if (receiver?.isReading && this.#socket.readableLength === 0) return true;
    return !receiver && this.#socket.readableLength < this.#socket.readableHighWaterMark;
  }

  get #hasRoom(): boolean {
    return this.#block !== undefined && this.#block.length - this.#end >= recordBytes;
  }

  #leave(): void {
    if (this.#isKept) giveAway();
    else if (this.#block) giveBack(this.#block);
  }

  #enter(block: Buffer | undefined): void {
    this.#block = block;
    this.#start = 0;
    this.#end = 0;
    this.#isKept = false;
  }

  /** Delivers what waits, and finds the memory for the next records. The block stays only while much is read. */
  #turn(): void {
    const isBulk = this.#start > 0 || this.#end >= manyBytes;
    this.flush();
    const block = this.#block as Buffer;
    if (isBulk && !this.#isKept) this.#enter(block);
    else if (!isBulk || !this.#hasRoom) {
      this.#leave();
      this.#enter(isBulk ? borrowBlock() : undefined);
    }
  }

  /** Delivers at the end of the turn what waits by then. Node still has the rest of the block. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(onTurnEnd, this);
  }

  onTurnEnd(): void {
    this.#isScheduled = false;
    this.flush();
    // Node is in no call to which we could answer that the receiver has paused.
    if (this.receiver?.isReading === false) this.stopReading();
  }

  /** Returns true if the memory is still needed; that of few bytes never is. */
  #pass(chunk: Buffer, isLent: boolean): boolean {
    const socket = this.#socket;
    const { receiver } = this;
    // What waits in the stream comes first.
    if (!receiver?.isReading || socket.readableLength > 0) {
      socket.push(copyOf(chunk, chunk.length));
      return false;
    }
    this.#isReceiving = true;
    const isKept = lendBlock(isLent ? chunk : copyOf(chunk, chunk.length), receiver);
    this.#isReceiving = false;
    return isKept && isLent;
  }

  #release(): void {
    this.#leave();
    this.#enter(undefined);
  }
}

function onTurnEnd(reads: RecordReads): void {
  reads.onTurnEnd();
}

/** As in `FlowSocket`: Node's own would start and stop reads at once. */
const streamMethods = {
  pause: Duplex.prototype.pause,
  resume: Duplex.prototype.resume,
  read: Duplex.prototype.read,
};

/** Returns the way to read a socket past its stream, which it then lends as well; undefined where Node is not as expected. */
export function readRecords(socket: Socket): RecordReads | undefined {
  const keys = findKeys(socket);
  if (!keys || typeof handleOf(socket)?.useUserBuffer !== 'function') return undefined;
  const reads = new RecordReads(socket, keys);
  (socket as unknown as LendingStream).lend = (receive) => reads.lend(receive);
  return reads;
}

/** The properties are not documented; a socket without `onread` has them all, and they are null. */
function findKeys(socket: Socket): Keys | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const find = (name: string) =>
    symbols.find(
      (symbol) => symbol.description === name && (socket as unknown as Record<symbol, unknown>)[symbol] === null,
    );
  const [memory, callback, next] = [find('kBuffer'), find('kBufferCb'), find('kBufferGen')];
  return memory && callback && next && { memory, callback, next };
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as { _handle?: Handle | null })._handle ?? undefined;
}
