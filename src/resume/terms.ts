import type { FlowEvents } from '../core/flow.ts';

/** The end of a stream that dials its transports (`near`), or the one that is dialled. */
export type End = 'near' | 'far';

/** The offsets that both ends compare before a transport is used. */
export interface Offsets {
  /** The offset after the last byte that was ever sent. */
  readonly sent: number;
  /** The offset of the next byte that is expected. */
  readonly received: number;
}

/** Provides a stream with transports. */
export interface StreamOwner {
  /** The transport is of no use any more, and the stream needs another. */
  onLost(reason: Error): void;
  /** Nothing remains to be sent or received; the stream needs no transport any more. */
  onOver(): void;
  /** The other end has told how far it is. */
  onAck?(): void;
}

/** Receives the events of a stream that has no reader, or none any more. */
export const nobody: FlowEvents = {
  onData: () => false,
  onEnd() {},
  onDrain() {},
  onFinish() {},
  onReset() {},
};
