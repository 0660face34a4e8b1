/**
 * The fate of a chunk that was written to a Flow. `free`: its memory may be used again at once. `kept`: it is still on
 * its way, and its memory belongs to the Flow. `full`: as `kept`, and the writer should wait for `onDrain`. `wait`: as `free`,
 * and the writer should wait all the same.
 */
export type Fate = 'free' | 'kept' | 'full' | 'wait';

/** How often reading was paused because the other side accepted no more, and how often it went on after that. */
export interface PauseCount {
  paused: number;
  resumed: number;
}

/** The pauses in both directions of a tunnel or request, by the side that was not read. */
export interface Pauses {
  readonly client: PauseCount;
  readonly target: PauseCount;
}

/** Events of a Flow. After `onReset` there are no more. None comes from inside a call to `listen`, `write` or `end`. */
export interface FlowEvents {
  /**
   * Receives the next bytes. The memory of the chunk is lent: the receiver returns true if it still needs it after the
   * call, and then it belongs to the receiver; otherwise the next bytes are read into the same place.
   */
  onData(chunk: Buffer): boolean;
  /** The other side has ended its half: no bytes follow. */
  onEnd(): void;
  /** The queue is empty again, after at least one chunk was not `free`: a writer that waits may go on. */
  onDrain(): void;
  /** Our end, and everything before it, has been accepted by the system or sent to the peer. */
  onFinish(): void;
  /** The stream was aborted, or failed; both halves are over. */
  onReset(error: Error): void;
}

/**
 * A byte stream with two halves, as a relay needs it: what a Duplex offers, without its queues, ticks and listeners. One
 * receiver at a time gets its events.
 */
export interface Flow {
  /** Names the receiver of all further events. Bytes that came before it are delivered first, once it is resumed. */
  listen(events: FlowEvents): void;
  /**
   * Reads until there is a receiver, and keeps for it what comes first. `onOver` is called if the stream fails or is closed
   * by then. Present where that costs less than the queue and the listeners of a stream; a Flow that is watched is never
   * released.
   */
  watch?(onOver: () => void): void;
  write(chunk: Buffer): Fate;
  /** Ends our half after everything that was written. */
  end(): void;
  /** Aborts both halves: the other side sees a reset and never a clean end. Idempotent. */
  reset(error: Error): void;
  /** Gives up both halves without an error of ours; bytes that were not read are lost. Idempotent. */
  close(): void;
  /** Stops `onData` until `resume`. A Flow starts paused. */
  pause(): void;
  resume(): void;
  /**
   * Ends the events: `rest`, bytes of the last chunk, and all that follows are read from the stream again. That chunk must
   * have been kept. Present if the bytes of a stream pass it by only while somebody listens.
   */
  release?(rest?: Buffer): void;
  /** Bytes that were written and not yet accepted by the system or the peer's window. */
  readonly queuedBytes: number;
  /** True once `onEnd` was, or would have been, called. */
  readonly isEnded: boolean;
  /** True once our half takes nothing more: `end` was called, or the other side has refused what would follow. */
  readonly isEnding: boolean;
  /** True once `onFinish` was, or would have been, called. */
  readonly isFinished: boolean;
  /** The error that ended both halves, if they did not end cleanly; also if that was before anybody listened. */
  readonly failure: Error | undefined;
}
