import type { EventSink } from '../../core/events.ts';

const pauseMs = 60_000;

/** Emits warnings about suspicious tunnels, at most one of each kind per minute. */
export class Doubts {
  readonly #emit: EventSink;
  readonly #now: () => number;
  readonly #said = new Map<string, number>();

  /** `now` is a clock in milliseconds that is never set back. */
  constructor(emit: EventSink, now: () => number = () => performance.now()) {
    this.#emit = emit;
    this.#now = now;
  }

  say(kind: 'empty' | 'web', message: string): void {
    const now = this.#now();
    const last = this.#said.get(kind);
    if (last !== undefined && now - last < pauseMs) return;
    this.#said.set(kind, now);
    this.#emit({ event: 'notice', level: 'warning', message });
  }
}
