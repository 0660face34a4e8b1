import type { TunnelEnd } from '../core/events.ts';
import type { Pauses } from '../core/flow.ts';
import type { HalfCloseTerms } from '../core/link.ts';

/** Time limits of a running tunnel, in milliseconds; 0 means none. */
export interface RelayLimits {
  /** Limit for a tunnel in which no byte moves in either direction. */
  readonly idleMs: number;
  /** Limit for a tunnel of which one half has ended while nothing moves in the other. */
  readonly lingerMs: number;
  /** As `lingerMs`, if the target ended first and the client has received everything. */
  readonly targetEndedLingerMs?: number;
  /** As `targetEndedLingerMs`, if the target does not accept any more bytes either. */
  readonly targetGoneLingerMs?: number;
  /** As `lingerMs`, if the client's FIN has gone to a hop that is known not to pass it on. */
  readonly swallowedLingerMs?: number;
  /** Time for which our FIN is held back from hops with `wait`. Default: 2 s. */
  readonly halfCloseWaitMs?: number;
}

/** The way in which a transfer of bytes ended. */
export interface RelayEnd {
  readonly end: TunnelEnd;
  /** The side that ended it, unless the end was clean. */
  readonly side?: 'client' | 'target' | 'self';
  readonly error?: Error;
}

/** The way in which a tunnel ended, and its state at that time. */
export interface RelayResult extends RelayEnd {
  /** The halves that had ended when a limit fired or one side was reset. */
  readonly ended: { readonly client: boolean; readonly target: boolean };
  /** True if the target has ended and the system has accepted everything that it sent. */
  readonly delivered: boolean;
  /** True if the client sent more after the target had ended, or if the system has not accepted all its bytes. */
  readonly unheard: boolean;
  /** A hop that seems to have taken our FIN for the end of both halves: only an end came after it, or nothing at all. */
  readonly swallowedBy?: HalfCloseTerms;
}

/** A running tunnel. `sent` counts bytes from the client to the target, `received` the reverse. */
export interface RelayHandle {
  readonly sent: number;
  readonly received: number;
  readonly pauses: Pauses;
  /** Ends the tunnel now; both sides see a reset. */
  cut(error: Error): void;
  /**
   * Goes on without a reader at the client's side: bytes from the target are dropped, and the client's FIN is no longer
   * held back. The tunnel is closed, with `reason`, once the target has ended, or once all that the client sent is out
   * and nothing has moved for a second.
   */
  leave(reason: Error): void;
  /**
   * While a part of the way waits for a transport, which has a limit of its own, no limit of the tunnel runs; afterwards
   * they start anew.
   */
  setWaiting(isWaiting: boolean): void;
  /** Resolves at the end of the tunnel. It never rejects. */
  readonly done: Promise<RelayResult>;
}

/** A relay, which can also be followed without a promise. */
export interface RunningRelay extends RelayHandle {
  /** Calls back as soon as the tunnel has ended, at once if it has, and before `done` resolves. */
  whenEnded(onEnd: (result: RelayResult) => void): void;
}

/** Sees the beginning of a tunnel. */
export interface RelayWatch {
  /** The first bytes from one side; they are lent for the time of the call. */
  onFirst(from: 'client' | 'target', chunk: Buffer): void;
  /** The target has ended, before or after its first bytes. */
  onTargetEnd(hasClientEnded: boolean): void;
}
