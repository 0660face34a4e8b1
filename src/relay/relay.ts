import { formatDuration } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import type { TunnelEnd } from '../core/events.ts';
import { type HalfCloseTerms, type Link, resetError } from '../core/link.ts';
import { HeldEnd } from './held-end.ts';
import { Pump } from './pump.ts';

const nothing = Buffer.alloc(0);

/** Time after our FIN within which the end of the target looks like a consequence of it. */
const momentMs = 1000;

/** Time for which a tunnel that its client has left may stand still. */
const leftMs = 1000;

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
  /** Ends the tunnel now; both sides see a reset. */
  cut(error: Error): void;
  /**
   * Goes on without a reader at the client's side: bytes from the target are dropped, and the client's FIN is no longer
   * held back. The tunnel is closed, with `reason`, once the target has ended, or once all that the client sent is out
   * and nothing has moved for a second.
   */
  leave(reason: Error): void;
  /** Resolves at the end of the tunnel. It never rejects. */
  readonly done: Promise<RelayResult>;
}

/**
 * Moves bytes both ways until both halves have ended, a side is reset, or a limit fires:
 *
 *     client --- sent ---> upstream
 *     client <- received - upstream
 *
 * A FIN is passed on as a FIN after the last byte, a reset as a reset. Both directions start in the same tick: an
 * HTTP/2 stream must be read before its other half is ended.
 */
export function relay(client: Link, upstream: Link, limits: RelayLimits): RelayHandle {
  return new Relay(client, upstream, limits);
}

function goneError(): Error {
  return resetError('it ended the tunnel and accepts nothing more');
}

class Relay implements RelayHandle {
  readonly done: Promise<RelayResult>;
  readonly #client: Link;
  readonly #upstream: Link;
  readonly #limits: RelayLimits;
  readonly #sending: Pump;
  readonly #receiving: Pump;
  readonly #held: HeldEnd;
  /** The time at which our FIN went out, and the bytes received by then. */
  #endSent: { readonly at: number; readonly received: number } | undefined;
  #swallowedBy: HalfCloseTerms | undefined;
  /** Bytes sent by the time the target ended. */
  #sentBefore: number | undefined;
  #left: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  #timerEnd: 'idle' | 'linger' = 'idle';
  #settled = false;
  #resolve!: (result: RelayResult) => void;

  constructor(client: Link, upstream: Link, limits: RelayLimits) {
    this.#client = client;
    this.#upstream = upstream;
    this.#limits = limits;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const { when = 'now' } = upstream.halfClose ?? {};
    this.#held = new HeldEnd(when === 'wait' ? limits.halfCloseWaitMs : 0, () => this.#release());
    const onProgress = () => void this.#timer?.refresh();
    const onReceived = () => {
      onProgress();
      this.#held.move();
    };
    const onTaken = () => {
      this.#held.move();
      if (this.#sending.ended) this.#onEnd();
    };
    const onEnd = () => this.#onEnd();
    this.#sending = new Pump(client.stream, upstream.stream, onProgress, onEnd, when === 'now' ? undefined : onTaken);
    this.#receiving = new Pump(upstream.stream, client.stream, when === 'now' ? onProgress : onReceived, onEnd);
    this.#sending.isHeld = when !== 'now';
    this.#watch('client', client, upstream);
    this.#watch('target', upstream, client);
    this.#setTimer('idle', limits.idleMs);
    if (this.#settled) return;
    this.#sending.start();
    this.#receiving.start();
  }

  get sent(): number {
    return this.#sending.bytes;
  }

  get received(): number {
    return this.#receiving.bytes;
  }

  cut(error: Error): void {
    this.#fail('cut', 'self', error);
  }

  leave(reason: Error): void {
    if (this.#settled || this.#left) return;
    this.#left = reason;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#letGo(), leftMs);
    this.#receiving.drop();
    this.#release();
    this.#onEnd();
  }

  #watch(side: 'client' | 'target', link: Link, other: Link): void {
    const { stream } = link;
    const onError = (error: Error) => this.#onReset(side, other, error);
    stream.on('error', onError);
    stream.on('close', () => {
      if (!stream.readableEnded || !stream.writableFinished)
        onError(stream.errored ?? new Error('closed in the middle'));
      else this.#onEnd();
    });
    if (stream.errored || (stream.destroyed && !stream.readableEnded)) {
      onError(stream.errored ?? new Error('closed before it was used'));
    }
  }

  #onEnd(): void {
    if (this.#settled) return;
    this.#watchEnds();
    if (this.#sending.finished && this.#receiving.finished) return this.#settle({ end: 'clean' });
    // Not before the other direction has been delivered to its end: a reset would cut it.
    if (this.#sending.refused && this.#receiving.finished) return this.#onReset('target', this.#client, goneError());
    if (this.#receiving.refused && this.#sending.finished) return this.#onReset('client', this.#upstream, goneError());
    if (this.#left) {
      if (this.#receiving.ended && !this.#sending.ended) this.#letGo();
    } else this.#setTimer('linger', this.#lingerMs);
  }

  /** Holds our FIN back or sends it, and watches how the target reacts. */
  #watchEnds(): void {
    const { ended, finished, isHeld, isQueued } = this.#sending;
    if (this.#receiving.ended) {
      this.#sentBefore ??= this.sent;
      this.#release();
      const { at, received } = this.#endSent ?? { at: -Infinity, received: 0 };
      const isSudden = received === this.received && performance.now() - at < momentMs;
      if (isSudden && !this.#left) this.#swallowedBy ??= this.#upstream.halfClose;
    } else if (ended && isHeld) {
      if (!isQueued) this.#held.start();
    } else if (finished) this.#endSent ??= { at: performance.now(), received: this.received };
  }

  #release(): void {
    this.#held.stop();
    this.#sending.release();
  }

  /** The limit that applies now; 0 while our FIN still waits to be sent. */
  get #lingerMs(): number {
    const { lingerMs, targetEndedLingerMs = lingerMs, targetGoneLingerMs = targetEndedLingerMs } = this.#limits;
    const { ended, isHeld } = this.#sending;
    if (this.#receiving.finished && !ended)
      return this.#upstream.stream.writableEnded ? targetGoneLingerMs : targetEndedLingerMs;
    if (isHeld && this.#held.isTimed && !this.#receiving.ended) return 0;
    return this.#isSwallowed ? (this.#limits.swallowedLingerMs ?? lingerMs) : lingerMs;
  }

  /** True once our FIN has gone to a hop that does not pass it on. */
  get #isSwallowed(): boolean {
    const { halfClose } = this.#upstream;
    return this.#sending.finished && !this.#receiving.ended && halfClose?.swallows === true;
  }

  /** Closes a tunnel that its client has left, unless bytes of the client are still on the way. */
  #letGo(): void {
    if (this.#sending.isQueued) return void this.#timer?.refresh();
    const { stream } = this.#upstream;
    this.#settle({ end: 'cut', side: 'self', ...(this.#left && { error: this.#left }) });
    this.#client.stream.destroy();
    if (stream.writableFinished) return void stream.destroy();
    stream.once('finish', () => stream.destroy());
    stream.end();
  }

  /** Resets the other side too, once the bytes sent before the reset are out or the linger limit is reached. */
  #onReset(side: 'client' | 'target', other: Link, error: Error): void {
    if (this.#settled) return;
    const { stream } = other;
    if (side === 'target' && this.#receiving.ended && !this.#receiving.finished && !stream.destroyed) {
      // The last bytes are still on their way to the client.
      return void stream.once('finish', () => this.#onReset(side, other, error));
    }
    this.#settle({ end: 'reset', side, error });
    if (stream.destroyed || stream.writableLength === 0) return other.reset(error);
    const timer = setTimeout(() => other.reset(error), this.#limits.lingerMs || 1);
    const reset = () => {
      clearTimeout(timer);
      other.reset(error);
    };
    stream.once('close', reset);
    // The callback of an empty write comes once everything before it is out.
    if (stream.writableEnded) stream.once('finish', reset);
    else stream.write(nothing, reset);
  }

  /** Starts a limit, unless a shorter one runs already: after one half has ended, both limits apply. */
  #setTimer(end: 'idle' | 'linger', ms: number): void {
    if (ms === 0 || (this.#timerMs > 0 && this.#timerMs <= ms)) return;
    clearTimeout(this.#timer);
    this.#timerMs = ms;
    this.#timerEnd = end;
    this.#timer = setTimeout(() => this.#onTimeout(), ms);
  }

  #onTimeout(): void {
    const [what, option] =
      this.#timerEnd === 'idle'
        ? (['the tunnel', '--idle-timeout'] as const)
        : (['one side has ended and the other', '--linger'] as const);
    const message = `${what} was idle for ${formatDuration(this.#timerMs)} (${option})`;
    const error = new TunlError('tunnel_idle', message, { side: 'self', phase: 'relay' });
    if (this.#isSwallowed && this.#timerMs === this.#limits.swallowedLingerMs) {
      this.#swallowedBy = this.#upstream.halfClose;
    }
    this.#fail(this.#timerEnd, 'self', error);
  }

  #fail(end: TunnelEnd, side: 'self', error: Error): void {
    if (this.#settled) return;
    this.#settle({ end, side, error });
    this.#client.reset(error);
    this.#upstream.reset(error);
  }

  #settle(result: RelayEnd): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#held.stop();
    if (result.end !== 'clean') {
      this.#sending.stop();
      this.#receiving.stop();
    }
    const unheard = this.#sending.isQueued || this.sent > (this.#sentBefore ?? this.sent);
    const ended = { client: this.#sending.ended, target: this.#receiving.ended };
    const swallowedBy = this.#swallowedBy;
    this.#resolve({
      ...result,
      ended,
      delivered: this.#receiving.finished,
      unheard,
      ...(swallowedBy && { swallowedBy }),
    });
  }
}
