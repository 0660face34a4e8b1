import { formatDuration } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import type { TunnelEnd } from '../core/events.ts';
import { type Link, resetError } from '../core/link.ts';
import { Pump } from './pump.ts';

const nothing = Buffer.alloc(0);

/** Limits of a running tunnel, in milliseconds; 0 means none. */
export interface RelayLimits {
  /** No byte in either direction. */
  readonly idleMs: number;
  /** One half has ended and nothing moves in the other. */
  readonly lingerMs: number;
  /** As `lingerMs`, where it was the target that ended first and the client has all of it. */
  readonly targetEndedLingerMs?: number;
  /** As `targetEndedLingerMs`, where the target does not take anything more either. */
  readonly targetGoneLingerMs?: number;
}

/** How something that moved bytes ended. */
export interface RelayEnd {
  readonly end: TunnelEnd;
  /** Whose side ended it, unless the end was clean. */
  readonly side?: 'client' | 'target' | 'self';
  readonly error?: Error;
}

/** How a tunnel ended. */
export interface RelayResult extends RelayEnd {
  /** Which half had ended when a limit fired or one side was reset. */
  readonly ended: { readonly client: boolean; readonly target: boolean };
  /** The target has ended, and all that it sent was handed to the system. */
  readonly delivered: boolean;
}

/** A running tunnel. `sent` counts bytes from the client to the target, `received` the reverse. */
export interface RelayHandle {
  readonly sent: number;
  readonly received: number;
  /** The client may still send, and what it has sent so far has been passed on. */
  readonly quiet: boolean;
  /** Ends the tunnel now; both sides see a reset. */
  cut(error: Error): void;
  /** Never rejects. */
  readonly done: Promise<RelayResult>;
}

/**
 * Moves bytes both ways until both halves have ended, a side is reset or a limit fires:
 *
 *     client --- sent ---> upstream
 *     client <- received - upstream
 *
 * A FIN goes on as a FIN after the last byte, a reset as a reset. Both directions start in the same
 * tick: an HTTP/2 stream must be read before its other half is ended.
 */
export function relay(client: Link, upstream: Link, limits: RelayLimits): RelayHandle {
  return new Relay(client, upstream, limits);
}

function goneError(): Error {
  return resetError('it ended the tunnel and takes nothing more');
}

class Relay implements RelayHandle {
  readonly done: Promise<RelayResult>;
  readonly #client: Link;
  readonly #upstream: Link;
  readonly #limits: RelayLimits;
  readonly #sending: Pump;
  readonly #receiving: Pump;
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
    const onProgress = () => void this.#timer?.refresh();
    const onEnd = () => this.#onEnd();
    this.#sending = new Pump(client.stream, upstream.stream, onProgress, onEnd);
    this.#receiving = new Pump(upstream.stream, client.stream, onProgress, onEnd);
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

  get quiet(): boolean {
    const pending = this.#client.stream.readableLength + this.#upstream.stream.writableLength;
    return !this.#sending.ended && pending === 0;
  }

  cut(error: Error): void {
    this.#fail('cut', 'self', error);
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
    if (this.#sending.finished && this.#receiving.finished) return this.#settle({ end: 'clean' });
    // Once the other direction has been delivered to its end, who still sends is told that nobody reads.
    if (this.#sending.refused && this.#receiving.finished) return this.#onReset('target', this.#client, goneError());
    if (this.#receiving.refused && this.#sending.finished) return this.#onReset('client', this.#upstream, goneError());
    this.#setTimer('linger', this.#lingerMs);
  }

  get #lingerMs(): number {
    const { lingerMs, targetEndedLingerMs = lingerMs, targetGoneLingerMs = targetEndedLingerMs } = this.#limits;
    if (!this.#receiving.finished || this.#sending.ended) return lingerMs;
    return this.#upstream.stream.writableEnded ? targetGoneLingerMs : targetEndedLingerMs;
  }

  /** What the side that was reset had sent before still goes out, within the linger limit. */
  #onReset(side: 'client' | 'target', other: Link, error: Error): void {
    if (this.#settled) return;
    this.#settle({ end: 'reset', side, error });
    const { stream } = other;
    if (stream.destroyed || stream.writableLength === 0) return other.reset(error);
    const timer = setTimeout(() => other.reset(error), this.#limits.lingerMs || 1);
    const reset = () => {
      clearTimeout(timer);
      other.reset(error);
    };
    stream.once('close', reset);
    // An empty write is called back once everything before it is out.
    if (stream.writableEnded) stream.once('finish', reset);
    else stream.write(nothing, reset);
  }

  /** Starts a limit, unless a shorter one runs already: after one half has ended both count. */
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
    if (result.end !== 'clean') {
      this.#sending.stop();
      this.#receiving.stop();
    }
    const ended = { client: this.#sending.ended, target: this.#receiving.ended };
    this.#resolve({ ...result, ended, delivered: this.#receiving.finished });
  }
}
