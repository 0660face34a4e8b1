import { countStages } from '../tunnel/stage-counts.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import { type Amount, keyOf } from './flows.ts';
import type { StatusCounts } from './journal.ts';
import type { Traffic } from './traffic.ts';

/** Time between two measurements, in milliseconds, and the number of them that is kept: a minute. */
const [periodMs, kept] = [1000, 60];

/** What was counted until a moment. */
interface Sample {
  readonly at: number;
  readonly total: Amount;
  readonly stages: ReadonlyMap<string, Amount>;
  readonly arrows: ReadonlyMap<string, Amount>;
  readonly statuses: ReadonlyMap<string, StatusCounts>;
}

/** Measures each second how fast bytes move and requests are answered. */
export class Meter {
  readonly #tunnels: Tunnels;
  readonly #traffic: Traffic;
  readonly #timer: NodeJS.Timeout;
  #minute: (readonly [sent: number, received: number])[] = [];
  #before: Sample;
  #last: Sample;

  constructor(tunnels: Tunnels, traffic: Traffic) {
    this.#tunnels = tunnels;
    this.#traffic = traffic;
    this.#before = this.#last = this.#read();
    this.#timer = setInterval(() => this.#measure(), periodMs).unref();
  }

  /** The bytes per second of each second of the last minute, the oldest first. */
  get minute(): readonly (readonly [sent: number, received: number])[] {
    return this.#minute;
  }

  /** The bytes since the start, as last measured. */
  get total(): Amount {
    return this.#last.total;
  }

  /** The bytes of a stage since the start, and its bytes per second. */
  readStage(name: string): { readonly total: Amount; readonly rate: Amount } {
    const total = this.#last.stages.get(name) ?? nothing;
    return { total, rate: this.#rate(total, this.#before.stages.get(name)) };
  }

  /** The bytes per second along an arrow of the drawing. */
  readArrow(from: string, to: string): Amount {
    const key = keyOf(from, to);
    return this.#rate(this.#last.arrows.get(key) ?? nothing, this.#before.arrows.get(key));
  }

  /** The answers of a stage per second, from 1xx to 5xx; undefined if it has not answered any request. */
  readAnswers(stage: string): readonly number[] | undefined {
    const now = this.#last.statuses.get(stage);
    const before = this.#before.statuses.get(stage);
    return now?.map((count, index) => toRate(count - (before?.[index] ?? 0), this.#seconds));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #seconds(): number {
    return Math.max(0.001, (this.#last.at - this.#before.at) / 1000);
  }

  #rate(now: Amount, before: Amount = nothing): Amount {
    return {
      sent: Math.round(toRate(now.sent - before.sent, this.#seconds)),
      received: Math.round(toRate(now.received - before.received, this.#seconds)),
    };
  }

  #measure(): void {
    this.#before = this.#last;
    this.#last = this.#read();
    const { sent, received } = this.#rate(this.#last.total, this.#before.total);
    this.#minute = [...this.#minute, [sent, received] as const].slice(-kept);
  }

  #read(): Sample {
    const { journal, flows, stages, ended } = this.#traffic;
    const total = { ...ended };
    for (const { handle } of this.#tunnels) {
      total.sent += handle?.sent ?? 0;
      total.received += handle?.received ?? 0;
    }
    const sums = new Map<string, Amount>(countStages(this.#tunnels));
    for (const [name, over] of stages) sums.set(name, add(over, sums.get(name)));
    return {
      at: performance.now(),
      total,
      stages: sums,
      arrows: flows.read(this.#tunnels.all()),
      statuses: new Map([...journal.statuses].map(([stage, counts]) => [stage, [...counts]])),
    };
  }
}

const nothing: Amount = { sent: 0, received: 0 };

function add({ sent, received }: Amount, more: Amount = nothing): Amount {
  return { sent: sent + more.sent, received: received + more.received };
}

/** A count that is smaller than before belongs to an arrow or a stage that was away in between. */
function toRate(difference: number, seconds: number): number {
  return Math.max(0, Math.round((difference / seconds) * 10) / 10);
}
