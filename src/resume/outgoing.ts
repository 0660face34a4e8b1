import type { Fate } from '../core/flow.ts';
import { makeFrame } from './frames.ts';
import type { StreamMemory } from './memory.ts';
import { Replay } from './replay.ts';
import type { Transport } from './transport.ts';

/** Bytes that may be on their way or unread in each direction. */
export const windowBytes = 4 * 1024 * 1024;

/** What a writer may have on its way while the memory for all streams is used up. */
const leastWindowBytes = 64 * 1024;

/** The direction of a resumable stream in which we send. */
export class Outgoing {
  transport: Transport | undefined;
  isEnding = false;
  readonly replay = new Replay();
  /** The memory at which a writer was told to wait. */
  #fullAt = 0;
  /** True until the writer is told that everything is out. */
  #isQueued = false;

  /** Bytes that the transport has not yet taken; those that are not acknowledged, while a writer waits for that. */
  get queuedBytes(): number {
    return this.#fullAt > 0 ? this.replay.bytes : this.#waitingBytes;
  }

  /** True once the other end has taken our end, and everything before it. */
  get isAllAcked(): boolean {
    return this.isEnding && this.replay.acked === this.replay.end;
  }

  write(chunk: Buffer, memory: StreamMemory): Fate {
    const isKept = this.replay.write(chunk);
    this.pump();
    const { bytes, end, acked } = this.replay;
    if (bytes >= windowBytes || (end - acked >= leastWindowBytes && memory.isFull)) this.#fullAt = bytes;
    this.#isQueued ||= this.queuedBytes > 0;
    if (this.#fullAt > 0) return isKept ? 'full' : 'wait';
    return isKept ? 'kept' : 'free';
  }

  end(): void {
    this.isEnding = true;
    this.replay.writeEnd();
    this.pump();
  }

  /** Sends a frame without payload ahead of the bytes that wait; without a transport it is not sent. */
  send(kind: number, offset: number): void {
    this.transport?.write(makeFrame(kind, offset));
  }

  /** Sends what the transport and the other end have room for. */
  pump(): void {
    const { transport, replay } = this;
    while (transport && !transport.isFull) {
      const bytes = replay.take(replay.acked + windowBytes);
      if (!bytes) return;
      const fate = transport.write(bytes);
      if (fate === 'kept' || fate === 'full') replay.keep();
    }
  }

  /** True if the writer is to be told that it may go on, which happens once. */
  takeDrain(): boolean {
    if (!this.#isQueued || this.#waitingBytes > 0) return false;
    if (this.#fullAt > 0 && this.replay.bytes > this.#fullAt / 2) return false;
    this.#fullAt = 0;
    this.#isQueued = false;
    return true;
  }

  get #waitingBytes(): number {
    return this.replay.unsentBytes + (this.transport?.queuedBytes ?? 0);
  }
}
