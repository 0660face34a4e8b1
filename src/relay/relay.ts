import { formatDuration } from '../core/deadline.ts';
import { flowOf } from '../core/duplex-flow.ts';
import { TunlError } from '../core/errors.ts';
import type { TunnelEnd } from '../core/events.ts';
import type { Pauses } from '../core/flow.ts';
import type { HalfCloseTerms, Link } from '../core/link.ts';
import { HeldEnd } from './held-end.ts';
import { ProgressLimit } from './progress-limit.ts';
import { goneError, Side, type SideOwner } from './side.ts';
import type { RelayEnd, RelayLimits, RelayResult, RelayWatch, RunningRelay } from './terms.ts';

export type { RelayLimits } from './terms.ts';

/** Time after our FIN within which the end of the target looks like a consequence of it. */
const momentMs = 1000;

/** Time for which a tunnel that its client has left may stand still. */
const leftMs = 1000;

/**
 * Moves bytes both ways until both halves have ended, a side is reset, or a limit fires:
 *
 *     client --- sent ---> upstream
 *     client <- received - upstream
 *
 * A FIN is passed on as a FIN after the last byte, a reset as a reset. Both directions start in the same tick: an
 * HTTP/2 stream must be read before its other half is ended.
 */
export function relay(client: Link, upstream: Link, limits: RelayLimits, watch?: RelayWatch): RunningRelay {
  return new Relay(client, upstream, limits, watch);
}

class Relay implements RunningRelay, SideOwner {
  readonly #client: Side;
  readonly #target: Side;
  readonly #halfClose: HalfCloseTerms | undefined;
  readonly #limits: RelayLimits;
  readonly #watch: RelayWatch | undefined;
  /** Present if our FIN may not go out at once. */
  readonly #held: HeldEnd | undefined;
  readonly #limit = new ProgressLimit(() => this.#onTimeout());
  #limitEnd: 'idle' | 'linger' = 'idle';
  /** The time at which our FIN went out, and the bytes received by then. */
  #endSent: { readonly at: number; readonly received: number } | undefined;
  #swallowedBy: HalfCloseTerms | undefined;
  /** Bytes sent by the time the target ended. */
  #sentBefore: number | undefined;
  #left: Error | undefined;
  /** A part of the way waits for a transport. */
  #isWaiting = false;
  /** A reset of the target that waits until the client has its last bytes. */
  #targetReset: Error | undefined;
  /** What remains to be done with a side, once everything that was written to it is out. */
  #last: { readonly side: Side; readonly act: () => void } | undefined;
  #settled = false;
  #result: RelayResult | undefined;
  #onEnd: ((result: RelayResult) => void) | undefined;

  constructor(client: Link, upstream: Link, limits: RelayLimits, watch: RelayWatch | undefined) {
    this.#limits = limits;
    this.#watch = watch;
    this.#halfClose = upstream.halfClose;
    this.#client = new Side(flowOf(client), this);
    this.#target = new Side(flowOf(upstream), this);
    this.#client.other = this.#target;
    this.#target.other = this.#client;
    const { when = 'now' } = upstream.halfClose ?? {};
    if (when !== 'now') {
      this.#client.isHeld = true;
      this.#held = new HeldEnd(when === 'wait' ? limits.halfCloseWaitMs : 0, () => this.#release());
    }
    this.#begin();
  }

  get done(): Promise<RelayResult> {
    return new Promise((resolve) => this.whenEnded(resolve));
  }

  whenEnded(onEnd: (result: RelayResult) => void): void {
    if (this.#result) return onEnd(this.#result);
    const before = this.#onEnd;
    this.#onEnd = before
      ? (result) => {
          before(result);
          onEnd(result);
        }
      : onEnd;
  }

  get sent(): number {
    return this.#client.bytes;
  }

  get received(): number {
    return this.#target.bytes;
  }

  get pauses(): Pauses {
    return { client: this.#client, target: this.#target };
  }

  cut(error: Error): void {
    this.#fail('cut', 'self', error);
  }

  leave(reason: Error): void {
    if (this.#settled || this.#left) return;
    this.#left = reason;
    this.#limit.start(leftMs);
    this.#target.drop();
    this.#release();
    this.onEndChanged();
  }

  setWaiting(isWaiting: boolean): void {
    if (this.#settled || this.#left || this.#isWaiting === isWaiting) return;
    this.#isWaiting = isWaiting;
    if (isWaiting) return this.#limit.stop();
    this.#startLimit('idle', this.#limits.idleMs);
    if (this.#client.ended || this.#target.ended) this.#startLimit('linger', this.#lingerMs);
  }

  onMoved(side: Side, chunk: Buffer): void {
    if (this.#watch && !side.hasBegun) this.#watch.onFirst(side === this.#client ? 'client' : 'target', chunk);
    this.#limit.touch();
    // Here too, not only when the target has drained: what the system takes at once is never queued.
    this.#held?.move();
  }

  onDrained(side: Side): void {
    if (this.#last?.side === side) return this.#finishLast(side);
    // A slow reader that drains counts as progress too: nothing else may happen in the meantime.
    this.#limit.touch();
    if (!this.#held || side !== this.#target) return;
    this.#held.move();
    if (this.#client.ended) this.onEndChanged();
  }

  onFinished(side: Side): void {
    if (this.#last?.side === side) this.#finishLast(side);
    if (this.#targetReset && side === this.#client) this.onReset(this.#target, this.#targetReset);
  }

  onEndChanged(): void {
    if (this.#settled) return;
    const client = this.#client;
    const target = this.#target;
    this.#watchEnds();
    if (client.finished && target.finished) return this.#settle({ end: 'clean' });
    // Not before the other direction has been delivered to its end: a reset would cut it.
    if (client.refused && target.finished) return this.onReset(target, goneError());
    if (target.refused && client.finished) return this.onReset(client, goneError());
    if (!this.#left) this.#startLimit('linger', this.#lingerMs);
    else if (target.ended && !client.ended) this.#letGo();
  }

  /** Resets the other side too, once the bytes sent before the reset are out or the linger limit is reached. */
  onReset(side: Side, error: Error): void {
    if (this.#last?.side === side) return this.#last.act();
    if (this.#settled) return;
    const { other } = side;
    if (side === this.#target && side.ended && !side.finished && !other.flow.failure) {
      // The last bytes are still on their way to the client.
      this.#targetReset = error;
      return;
    }
    this.#settle({ end: 'reset', side: side === this.#client ? 'client' : 'target', error });
    const { flow } = other;
    if (flow.failure || flow.queuedBytes === 0) return flow.reset(error);
    const reset = () => {
      clearTimeout(timer);
      flow.reset(error);
    };
    const timer = setTimeout(reset, this.#limits.lingerMs || 1);
    this.#last = { side: other, act: reset };
  }

  #begin(): void {
    const client = this.#client;
    const target = this.#target;
    client.flow.listen(client);
    target.flow.listen(target);
    this.#checkStart(client);
    this.#checkStart(target);
    if (this.#settled) return;
    this.#startLimit('idle', this.#limits.idleMs);
    client.start();
    target.start();
  }

  /** Passes on a failure that came before the relay. */
  #checkStart(side: Side): void {
    if (side.flow.failure) this.onReset(side, side.flow.failure);
  }

  /** Holds our FIN back or sends it, and watches how the target reacts. */
  #watchEnds(): void {
    const { ended, finished, isHeld, isQueued } = this.#client;
    if (this.#target.ended) {
      if (this.#sentBefore === undefined) this.#watch?.onTargetEnd(ended);
      this.#sentBefore ??= this.sent;
      this.#release();
      const { at, received } = this.#endSent ?? { at: -Infinity, received: 0 };
      const isSudden = received === this.received && performance.now() - at < momentMs;
      if (isSudden && !this.#left) this.#swallowedBy ??= this.#halfClose;
    } else if (ended && isHeld) {
      if (!isQueued) this.#held?.start();
    } else if (finished) this.#endSent ??= { at: performance.now(), received: this.received };
  }

  #release(): void {
    this.#held?.stop();
    this.#client.release();
  }

  /** The limit that applies now; 0 while our FIN still waits to be sent. */
  get #lingerMs(): number {
    const { lingerMs, targetEndedLingerMs = lingerMs, targetGoneLingerMs = targetEndedLingerMs } = this.#limits;
    const { ended, isHeld } = this.#client;
    if (this.#target.finished && !ended) return this.#target.flow.isEnding ? targetGoneLingerMs : targetEndedLingerMs;
    if (isHeld && this.#held?.isTimed && !this.#target.ended) return 0;
    return this.#isSwallowed ? (this.#limits.swallowedLingerMs ?? lingerMs) : lingerMs;
  }

  /** True once our FIN has gone to a hop that does not pass it on. */
  get #isSwallowed(): boolean {
    return this.#client.finished && !this.#target.ended && this.#halfClose?.swallows === true;
  }

  /** Closes a tunnel that its client has left, unless bytes of the client are still on the way. */
  #letGo(): void {
    if (this.#client.isQueued) return this.#limit.start(leftMs);
    this.#settle({ end: 'cut', side: 'self', ...(this.#left && { error: this.#left }) });
    this.#client.flow.close();
    const { flow } = this.#target;
    if (flow.isFinished) return flow.close();
    this.#last = { side: this.#target, act: () => flow.close() };
    flow.end();
  }

  /** Does what remains to be done with a side, if everything is out, its end included. */
  #finishLast({ flow }: Side): void {
    if (flow.isEnding ? !flow.isFinished : flow.queuedBytes > 0) return;
    const { act } = this.#last ?? {};
    this.#last = undefined;
    act?.();
  }

  /** Starts a limit, unless a shorter one runs already: after one half has ended, both limits apply. */
  #startLimit(end: 'idle' | 'linger', ms: number): void {
    const running = this.#limit.ms;
    if (ms === 0 || this.#isWaiting || (running > 0 && running <= ms)) return;
    this.#limitEnd = end;
    this.#limit.start(ms);
  }

  #onTimeout(): void {
    if (this.#left) return this.#letGo();
    const [what, option] =
      this.#limitEnd === 'idle'
        ? (['the tunnel', '--idle-timeout'] as const)
        : (['one side has ended and the other', '--linger'] as const);
    const { ms } = this.#limit;
    const message = `${what} was idle for ${formatDuration(ms)} (${option})`;
    const error = new TunlError('tunnel_idle', message, { side: 'self', phase: 'relay' });
    if (this.#isSwallowed && ms === this.#limits.swallowedLingerMs) this.#swallowedBy = this.#halfClose;
    this.#fail(this.#limitEnd, 'self', error);
  }

  #fail(end: TunnelEnd, side: 'self', error: Error): void {
    if (this.#settled) return;
    this.#settle({ end, side, error });
    this.#client.flow.reset(error);
    this.#target.flow.reset(error);
  }

  #settle({ end, side, error }: RelayEnd): void {
    this.#settled = true;
    this.#limit.stop();
    this.#held?.stop();
    const client = this.#client;
    const target = this.#target;
    if (end !== 'clean') {
      client.stop();
      target.stop();
    }
    // Field by field: V8 caches nothing of a literal that goes on behind the fields of another object.
    const whole: { -readonly [Key in keyof RelayResult]: RelayResult[Key] } = {
      end,
      ended: { client: client.ended, target: target.ended },
      delivered: target.finished,
      unheard: client.isQueued || this.sent > (this.#sentBefore ?? this.sent),
    };
    if (side) whole.side = side;
    if (error) whole.error = error;
    if (this.#swallowedBy) whole.swallowedBy = this.#swallowedBy;
    this.#result = whole;
    this.#onEnd?.(whole);
  }
}
